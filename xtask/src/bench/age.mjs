// Seals or opens again and again with the package age-encryption:
// age.mjs FOLDER COUNT seal recipients|passphrase FILE <content >sealed
// age.mjs FOLDER COUNT open identity|passphrase FILE <sealed
import { webcrypto } from "node:crypto";
import { readFileSync, writeSync } from "node:fs";

globalThis.crypto ??= webcrypto;

const [folder, count, command, kind, file] = process.argv.slice(2);
const age = await import(folder + "/node_modules/age-encryption/dist/index.js");
const lines = readFileSync(file, "utf8").split("\n").filter((line) => line && !line.startsWith("#"));
const input = readFileSync(0);
let result;
for (let round = 0; round < Number(count); round++) {
  if (command === "seal") {
    const sealer = new age.Encrypter();
    if (kind === "passphrase") sealer.setPassphrase(lines[0]);
    else lines.forEach((line) => sealer.addRecipient(line));
    result = await sealer.encrypt(input);
  } else {
    const opener = new age.Decrypter();
    if (kind === "passphrase") opener.addPassphrase(lines[0]);
    else opener.addIdentity(lines[0]);
    result = await opener.decrypt(input);
  }
}
writeSync(1, result);
