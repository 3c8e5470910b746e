package kernels

// Exp returns e^x with an error below 1.1 ulp and the same bits on every machine: the exponential that Attend, Softmax
// and the activations use.
func Exp(x float32) float32 { return expf(x) }
