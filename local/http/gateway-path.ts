/**
 * What an HTTP API does to a path before the function sees it: percent-escapes are decoded, runs of slashes
 * become one, and everything from a decoded `?` on is lost. An escape that is not UTF-8 stays as it is.
 */
export function gatewayPath(path: string): string {
  const decoded = path.replace(/(%[\da-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
  return decoded.replace(/\?.*$/s, '').replace(/\/{2,}/g, '/');
}
