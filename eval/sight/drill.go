package sight

// Drill draws a crowded training scene: many objects and signs of all sizes side by side, so that a vision tower sees every
// colour, shape and letter often. No question is asked of it and no evaluation uses it; its seeds are those of the training
// split.
func Drill(seed uint64, index int) *Scene {
	r := newSource(mix(itemSeed(Train, seed, index)))
	size := pick(r, [][2]int{{336, 336}, {448, 448}, {504, 336}, {336, 504}})
	b := newBuilder(r, size[0], size[1])
	signs := r.between(4, 12)
	for range signs {
		height := r.between(6, 16)
		if r.chance(35) {
			height = r.between(10, 30)
		}
		b.sign(b.text(r.between(1, 4), r.chance(40)), pick(r, Colours), height, b.everywhere())
	}
	for range r.between(4, 14) {
		radius := r.between(4, 14)
		if r.chance(35) {
			radius = r.between(10, 28)
		}
		b.object(pick(r, Shapes), pick(r, Colours), radius, b.everywhere())
	}
	return &b.scene
}
