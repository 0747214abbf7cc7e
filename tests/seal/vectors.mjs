// Prints age's public vectors, one a line: its name and its bytes in base64.
const vectors = await import(process.argv[2] + "/node_modules/cctv-age/index.js");
for (const [name, bytes] of Object.entries(vectors)) {
  console.log(name + "\t" + Buffer.from(bytes).toString("base64"));
}
