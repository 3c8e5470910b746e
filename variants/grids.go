package variants

import (
	"fmt"
	"regexp"
	"strconv"
)

// gridSets are the lists of canvases in tiles that papers and released checkpoints use, by name: pairs in the order in which
// configurations write them, (across, down) to the original code, (down, across) to transformers.
var gridSets = map[string][][2]int{
	// image_grid_pinpoints of the LLaVA-1.6 checkpoints, and of LLaVA-NeXT-Interleave at 384 pixels
	"released": {{1, 2}, {2, 1}, {2, 2}, {3, 1}, {1, 3}},
	// the announcement of LLaVA-1.6 (2024-01-30), which no checkpoint follows
	"article": {{2, 2}, {1, 4}, {4, 1}},
	// LLaVA-1.5-HD: up to six tiles (2310.03744, Sec. 3.4)
	"hd": {{1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 5}, {1, 6}, {2, 2}, {2, 3}, {2, 1}, {3, 1}, {4, 1}, {5, 1}, {6, 1}, {3, 2}},
}

var gridRange = regexp.MustCompile(`^\((\d+)x(\d+)\).*\((\d+)x(\d+)\)$`)

// NamedGrid gives the pinpoints of a named set, or of a range such as "(1x1),...,(6x6)" in which the first number of a
// pair is the outer one (LLaVA-NeXT's process_anyres_image), for tiles of side pixels.
func NamedGrid(name string, side int) ([][2]int, error) {
	if err := within("side", side, 1, maxSide); err != nil {
		return nil, err
	}
	tiles, err := gridTiles(name)
	if err != nil {
		return nil, err
	}
	pinpoints := make([][2]int, len(tiles))
	for i, t := range tiles {
		pinpoints[i] = [2]int{t[0] * side, t[1] * side}
	}
	return pinpoints, nil
}

func gridTiles(name string) ([][2]int, error) {
	if tiles, ok := gridSets[name]; ok {
		return tiles, nil
	}
	m := gridRange.FindStringSubmatch(name)
	if m == nil {
		return nil, fmt.Errorf("grid set %q is not known, expected released, article, hd or a range such as \"(1x1),...,(6x6)\"", name)
	}
	var n [4]int
	for i := range n {
		v, err := strconv.Atoi(m[i+1])
		if err != nil || v < 1 || v > MaxTiles {
			return nil, fmt.Errorf("grid set %q: %q is not a number from 1 to %d", name, m[i+1], MaxTiles)
		}
		n[i] = v
	}
	var tiles [][2]int
	for w := n[0]; w <= n[2]; w++ {
		for h := n[1]; h <= n[3] && len(tiles) <= maxPinpoints; h++ {
			tiles = append(tiles, [2]int{w, h})
		}
	}
	if len(tiles) == 0 || len(tiles) > maxPinpoints {
		return nil, fmt.Errorf("grid set %q is empty or holds more than %d canvases", name, maxPinpoints)
	}
	return tiles, nil
}
