// Prints age's public vectors, one a line: its name and its bytes in base64.
import { createRequire } from "node:module";

const vectors = createRequire(process.argv[2] + "/")("cctv-age");
for (const [name, bytes] of Object.entries(vectors)) {
  console.log(name + "\t" + Buffer.from(bytes).toString("base64"));
}
