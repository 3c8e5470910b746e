// Package prompt writes conversations the way the LLaVA checkpoints were trained to read them, and turns them into the
// token ids that the reference computes.
//
// A template is a value: texts, separators and one of a few styles. A conversation renders to pieces, each a stretch of
// text or the slot of an image. Images are slots from the start, so a question that contains the characters <image> stays
// a question about these characters.
//
//	Conversation -> Render -> []Piece -> Tokens -> ids, with ImageID for each image
//	                                  -> String -> the reference's prompt string, with <image> for each image
package prompt
