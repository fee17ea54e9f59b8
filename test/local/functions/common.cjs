exports.handler = () => 'common';
