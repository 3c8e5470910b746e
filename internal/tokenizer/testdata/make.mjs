// Makes tokenizers.json: what the tokenizers library does with the texts and tokenizers that make.py wrote.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Tokenizer } = createRequire(process.cwd() + "/")("tokenizers");
const texts = JSON.parse(readFileSync("texts.json", "utf8"));
let seed = 20;
const random = (n) => (seed = (seed * 48271) % 2147483647) % n;

const out = {};
for (const name of ["bytelevel", "fallback"]) {
  const tokenizer = Tokenizer.fromFile(name + ".json");
  const size = tokenizer.getVocabSize(true);
  out[name] = [];
  for (const text of texts) {
    const ids = (await tokenizer.encode(text, null, { addSpecialTokens: true })).getIds();
    const other = Array.from({ length: random(10) }, () => random(size));
    out[name].push({
      text, ids, other,
      decode: await tokenizer.decode(ids, false),
      skipped: await tokenizer.decode(ids, true),
      other_decode: await tokenizer.decode(other, false),
    });
  }
}
const escape = (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
writeFileSync("tokenizers.json", JSON.stringify(out).replace(/[^\x20-\x7e]/g, escape));
rmSync("texts.json");
