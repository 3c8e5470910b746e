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
package kernels
