// Package kernels holds the arithmetic of the networks on flat slices: matrix products, attention, normalisation,
// activations and conversions. Every routine has one definition down to the bit; a pure-Go reference states it, and
// assembly gives the same bits faster. Nothing here knows what a model is.
//
// # The order of additions
//
// An output element of a matrix product is one chain over k:
//
//	acc = 0
//	for k = 0 .. K-1:  acc = fma(x[m][k], w[n][k], acc)
//	y[m][n] = acc (+ bias[n], rounded once more)
//
// fma is the fp32 fused multiply-add with one rounding to nearest even. The chain is the same for every number of rows
// m, every thread count, every blocking and every instruction set, so a row has the same bits alone (decode), in a batch
// and in a chunk of a prompt. Weights in fp16 and bf16 are widened exactly first.
//
// # The bf16 profile
//
// MatMulBF16 rounds activations to bf16 and goes over pairs of k, the odd element first, flushing what is subnormal. Its
// comment has the details.
//
// # Quantised weights
//
// A row of weights is cut into groups of 128 (q8), 32 (q4) or 64 (q4g64) columns; the last group is filled up with zeros.
// Every group has an fp16 scale s, every weight a code c, and the weight is c·s. Codes are -127..127 stored as c+128 in a
// byte (q8), or -8..7 stored as c+8 in four bits (q4). Sixteen rows lie together, a last tile is filled up with rows of
// zeros, so that a kernel reads codes as one stream and finds an output in every lane. Both arrays are row-major:
//
//	codes   [rows/16][cols/4][16 rows] dwords, q8:  byte j of a dword is column 4i+j
//	codes   [rows/16][cols/8][16 rows] dwords, q4:  the low half of byte j is column 8i+j, the high half 8i+4+j
//	scales  [rows/16][groups][16 rows] fp16
//
//	 q4, one tile of 16 rows, one dword:    byte 3    byte 2    byte 1    byte 0
//	                                       k7 | k3   k6 | k2   k5 | k1   k4 | k0
//
// A product with such weights rounds each row of activations to eight bits first. With A the largest magnitude of the row,
// and a row whose A is below 2^-100 taken as zeros:
//
//	a[k] = round to nearest even of float32(x[k]·(127/A))     127/A and A/127 are one fp32 division each
//	f = +0
//	for every group g, ascending:  f = fma(float32(Σ a[k]·c[k] over the group), s[g], f)
//	y = f·(A/127) (+ bias, rounded once more)
//
// The sums are whole numbers below 2^24, exact in any order. A row with an infinity or a NaN gives NaN.
package kernels
