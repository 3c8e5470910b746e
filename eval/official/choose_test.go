package official_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"llavabench/eval"
	"llavabench/eval/local"
	"llavabench/internal/pipeline"
)

// The answers that options stand for are answers by the owners' rules: one of a question's is right, the others are wrong.
func TestOneOptionIsRight(t *testing.T) {
	offered := map[string]int{}
	all := layouts(t)
	all["mathvista choice"] = layout{suite: "mathvista", files: map[string]string{"testmini.json": `{"1":{"question":"Where?","image":"images/1.jpg","choices":["left","right"],"unit":null,
		"precision":null,"answer":"right","question_type":"multi_choice","answer_type":"text","metadata":{},"query":"q"}}`, "images/1.jpg": picture(11)}}
	for name, l := range all {
		r := open(t, l, write(t, l.files), "")
		s, err := r.Eval()
		require.NoError(t, err)
		for q, err := range s.Questions {
			require.NoError(t, err)
			if len(q.Options) == 0 {
				continue
			}
			offered[l.suite]++
			if q.Reference == "" {
				continue // the labels are not public
			}
			right := 0
			for _, o := range q.Options {
				score, err := s.Score(q, o.Answer)
				require.NoError(t, err)
				if score == 1 {
					right++
				}
			}
			require.Equal(t, 1, right, "%s: question %q: %v", name, q.ID, q.Options)
		}
	}
	for _, suite := range []string{"scienceqa", "mmbench", "mmbench_cn", "seed", "mmmu", "mathvista", "ai2d", "realworldqa", "jsonl", "pope", "mme"} {
		require.Positive(t, offered[suite], suite)
	}
	for _, suite := range []string{"textvqa", "vqav2", "gqa", "vizwiz", "chartqa", "docvqa", "infovqa", "ocrbench", "llava_bench", "mmvet"} {
		require.Zero(t, offered[suite], suite)
	}
}

// A small checkpoint chooses among the options of every suite that offers any, and its choices are scored.
func TestCheckpointChooses(t *testing.T) {
	p, err := pipeline.Open(context.Background(), "../../testdata/models/llava1", pipeline.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	done := map[string]bool{}
	for name, l := range folders() {
		if done[l.suite] {
			continue
		}
		done[l.suite] = true
		r := open(t, l, write(t, l.files), "")
		s, err := r.Eval()
		require.NoError(t, err)
		var options [][]eval.Option
		for q := range s.Questions {
			options = append(options, q.Options)
		}
		choice := local.Choice{Choose: local.Likelihood, ChooseBy: local.ByText, ChooseNorm: local.NormChar}
		summary, samples := ask(t, r, local.New(p, local.Options{MaxNewTokens: 1, Choice: choice}, pipeline.Together{Batch: 4}))
		for i, x := range samples {
			if x.Error != "" {
				continue
			}
			require.Len(t, x.Options, len(options[i]), "%s: %q", name, x.ID)
			for k, o := range x.Options {
				require.Equal(t, options[i][k].Answer, o.Answer)
			}
		}
		if r.Unscored() == "" && len(options[0]) > 0 {
			require.Zero(t, summary.Official.Unparsed, name)
		}
	}
}
