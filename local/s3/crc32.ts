/** The remainder of each byte, for the polynomial of Ethernet and gzip. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** The checksum that SDKs send by default: four bytes in base64. `node:zlib` has it only in later releases of Node 20. */
export function crc32(bytes: Uint8Array): string {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = TABLE[(rest ^ byte) & 0xff]! ^ (rest >>> 8);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE((rest ^ 0xffffffff) >>> 0);
  return checksum.toString('base64');
}
