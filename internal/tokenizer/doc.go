// Package tokenizer turns text into token ids and back, id for id as the tokenizers that the LLaVA family was trained
// with.
//
// Two families are read:
//
//   - SentencePiece models (tokenizer.model; BPE and unigram, with byte fallback) under the rules that the slow
//     LlamaTokenizer of Hugging Face puts on top of them: special tokens are cut out of the text first, and the flag
//     legacy decides what becomes of the space in front of each piece between them.
//   - Hugging Face tokenizer.json files with a BPE model: byte-level (Llama 3, Qwen, GPT-2; also as vocab.json and
//     merges.txt) and SentencePiece-like with byte fallback (the fast tokenizers of LLaMA and Mistral).
//
// A text passes through these steps:
//
//	text -> added tokens cut out -> normaliser -> pieces (pre-tokenizer) -> model (merges) -> ids -> BOS, EOS
//
// Text is taken as UTF-8. A byte that is not part of a valid character counts as U+FFFD, one per byte, in every family
// and on every platform.
//
// Nothing in a tokenizer file is executed or handed to a regular expression engine: split patterns are recognised by
// their exact text and run as hand-written scanners. What is not recognised is refused by name.
package tokenizer
