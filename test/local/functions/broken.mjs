throw new Error('environment variable REQUIRED is missing');
