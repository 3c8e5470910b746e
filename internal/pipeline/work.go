package pipeline

import (
	"llavabench/internal/rundir"
)

// Work is what an answer costs by the shape of the networks and the types of their weights.
func (p *Pipeline) Work() rundir.Work {
	size, c := p.llm.Size(), p.llm.Config()
	w := rundir.Work{
		WeightBytes: p.tower.Bytes() + p.proj.Bytes() + size.Layers + size.Embeddings,
		DecodeBytes: size.Layers + size.Head,
		KVBytes:     2 * int64(c.Layers) * int64(c.KVHeads) * int64(c.HeadDim) * int64(p.kvType.Size()),
		PositionOps: 2 * size.Weights,
	}
	if !c.TieEmbeddings {
		w.WeightBytes += size.Head
	}
	return w
}
