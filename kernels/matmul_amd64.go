//go:build amd64 && !purego

package kernels

//go:generate go run ./_gen

//go:noescape
func packRowsAVX2(dst *float32, stride int, rows *[8]*float32, k int)

var (
	productsAVX2 = tileSet{
		rows: 6, tiles: tilesAVX2, packRows: packRowsAVX2, weights: weightsAVX2, fewRows: 4,
	}
	productsAVX512 = tileSet{
		rows: 8, tiles: tilesAVX512, packRows: packRowsAVX2, weights: weightsAVX512, fewRows: 32,
	}
)
