// Package imaging takes a picture from the bytes of a file to the floats that a vision tower reads, with the same bits as
// the reference (Pillow 9.4 and the CLIP processor of transformers):
//
//	bytes ── Decode ──> RGB ── Render(Plan) ──> views, Side x Side bytes ── Normalizer.Tensor ──> [views, 3, Side, Side]
//
// Decode reads JPEG, PNG, WebP, GIF, BMP and TIFF as Image.open(file).convert("RGB") does. A Plan is data: which resizes,
// pastes and crops make the views; they are composed by the generations of models (package variants). ResizeRGB is Pillow's
// fixed-point resampling.
//
// # What is exact
//
// Resizing, pasting, cropping and normalising are exact for every size. Decoding is exact for every file that is
// accepted, as far as comparisons with Pillow go (testdata/pillow.py, and several thousand files more): lossy WebP and
// JPEG included. Some files that Pillow accepts are refused, never read differently: PNG with a wrong checksum, without
// an end mark or with palette indices out of range; TIFF with fax, JPEG or floating-point data and rare sample layouts;
// WebP whose animation disagrees with itself; and types other than the six.
//
// # Concurrency
//
// All functions are safe for concurrent use on pictures that nobody changes. Render and ResizeRGB take a loop function
// (For) that may spread rows over several goroutines; the result does not depend on it.
package imaging
