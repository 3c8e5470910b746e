package score

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestYesNo(t *testing.T) {
	for _, c := range []struct{ text, pope, vlmevalkit, mme, lmms string }{
		{"", Yes, Unknown, Other, Other},
		{"Yes", Yes, Yes, Yes, Yes},
		{"No, it is not", No, No, No, No},
		{"NO", Yes, No, No, No},
		{"no!", Yes, No, No, No},
		{"not sure. yes", No, Yes, No, No},
		{"Yes. There is no dog", Yes, Unknown, Yes, Yes},
		{"There is\nno dog", Yes, No, Other, Other},
		{"know", Yes, Unknown, No, No},
		{"Unknown", Yes, Unknown, Other, Other},
		{"Noyes", Yes, Unknown, No, No},
		{"  no", No, No, No, No},
		{"   yes", Yes, Yes, Other, Yes},
		{"n", Yes, Unknown, Other, No},
		{"Y.", Yes, Unknown, Other, Yes},
		{"x", Yes, Unknown, Other, Other},
		{"no,yes", Yes, Unknown, No, No},
		{"no, yes", No, Unknown, No, No},
	} {
		require.Equal(t, c.pope, POPELabel(c.text), "POPE of %q", c.text)
		require.Equal(t, c.vlmevalkit, YesNoVLMEvalKit(c.text), "VLMEvalKit of %q", c.text)
		require.Equal(t, c.mme, MMELabel(c.text), "MME of %q", c.text)
		require.Equal(t, c.lmms, MMELmms(c.text), "lmms-eval's MME of %q", c.text)
	}
}

func TestConfusion(t *testing.T) {
	var c Confusion
	for _, p := range [][2]string{{Yes, Yes}, {Yes, Yes}, {Yes, No}, {No, Yes}, {No, No}, {Unknown, Yes}, {"", No}, {No, No}} {
		c.Add(p[0], p[1])
	}
	require.Equal(t, Confusion{TP: 2, FP: 1, TN: 2, FN: 1, Neither: 2}, c)
	require.Equal(t, 0.5, c.Accuracy())
	require.Equal(t, 2.0/3, c.F1())
	require.Equal(t, 3.0/8, c.YesRatio())
	require.Zero(t, Confusion{TN: 3}.F1(), "nothing predicted yes")
	require.Zero(t, Confusion{}.Accuracy())
}

func TestYesNoGolden(t *testing.T) {
	var pope struct {
		PerSample []struct {
			Text, Official string
			Lmms           string `json:"lmms_eval_pred"`
			VLMEvalKit     string `json:"vlmevalkit_extracted"`
		} `json:"per_sample"`
	}
	goldenFile(t, "pope/expected.json", &pope)
	require.NotEmpty(t, pope.PerSample)
	for _, s := range pope.PerSample {
		require.Equal(t, s.Official, POPELabel(s.Text), "%q", s.Text)
		require.Equal(t, s.Lmms, POPELmms(s.Text), "%q", s.Text)
		require.Equal(t, Lower(s.VLMEvalKit), YesNoVLMEvalKit(s.Text), "%q", s.Text)
	}
	var mme struct {
		PerSample []struct {
			Pred       string
			Official   string `json:"official_label"`
			Lmms       string `json:"lmms_label"`
			VLMEvalKit string `json:"vlmevalkit_label"`
		} `json:"per_sample"`
	}
	goldenFile(t, "mme/expected.json", &mme)
	require.NotEmpty(t, mme.PerSample)
	for _, s := range mme.PerSample {
		require.Equal(t, s.Official, MMELabel(s.Pred), "%q", s.Pred)
		require.Equal(t, s.Lmms, MMELmms(s.Pred), "%q", s.Pred)
		require.Equal(t, Lower(s.VLMEvalKit), YesNoVLMEvalKit(s.Pred), "%q", s.Pred)
	}
}
