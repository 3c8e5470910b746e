package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"llavabench/eval"
	"llavabench/eval/local"
)

// chooseFlags are the flags of eval about questions that offer options.
type chooseFlags struct {
	how       string
	by, norm  string
	withEnd   bool
	dependent []string // flags that belong to --choose likelihood
}

// generate is the value of --choose that asks for no likelihoods.
const generate = "generate"

func (f *chooseFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.how, "choose", generate, "`how` questions that offer options are answered: generate, or likelihood, which takes the most likely option")
	fl.StringVar(&f.by, "choose-by", local.ChooseBy[0], "with --choose likelihood: `what` of an option is scored: letter, or text")
	fl.StringVar(&f.norm, "choose-norm", local.ChooseNorm[0], "with --choose likelihood: log-likelihood as it is or divided by the length, `sum`, token, byte or char")
	fl.BoolVar(&f.withEnd, "choose-end", false, "with --choose likelihood: score the separator that ends an answer too")
	f.dependent = []string{"choose-by", "choose-norm", "choose-end"}
}

// choice is what the flags ask for.
func (f *chooseFlags) choice(given *pflag.FlagSet) (local.Choice, error) {
	switch {
	case f.how != generate && f.how != local.Likelihood:
		return local.Choice{}, usagef("--choose: %q is not known, expected %s or %s", f.how, generate, local.Likelihood)
	case f.how == generate:
		if i := slices.IndexFunc(f.dependent, given.Changed); i >= 0 {
			return local.Choice{}, usagef("--%s belongs to --choose %s", f.dependent[i], local.Likelihood)
		}
		return local.Choice{}, nil
	}
	c := local.Choice{Choose: f.how, ChooseBy: f.by, ChooseNorm: f.norm, ChooseEnd: f.withEnd}
	for _, v := range []struct {
		name, value string
		known       []string
	}{{"choose-by", f.by, local.ChooseBy}, {"choose-norm", f.norm, local.ChooseNorm}} {
		if !slices.Contains(v.known, v.value) {
			return c, usagef("--%s: %q is not known, expected %s", v.name, v.value, strings.Join(v.known, ", "))
		}
	}
	return c, nil
}

// canChoose refuses a suite none of whose questions offers options, when they are to be chosen by likelihood.
func canChoose(c local.Choice, s eval.Suite) error {
	if c.Choose == "" {
		return nil
	}
	for q, err := range s.Questions {
		if err != nil || len(q.Options) > 0 {
			return err
		}
	}
	return usagef("--choose %s: no question of %s offers options to choose from", c.Choose, s.Info.Name)
}

// chosenNote says which of the questions are answered by likelihood; "" where none is to be.
func chosenNote(c local.Choice, s eval.Suite) (string, error) {
	if c.Choose == "" {
		return "", nil
	}
	offered := 0
	for q, err := range s.Questions {
		if err != nil {
			return "", err
		}
		if len(q.Options) > 0 {
			offered++
		}
	}
	if open := s.Items() - offered; open > 0 {
		return fmt.Sprintf("%d questions are answered with an option: the greatest by %s; answers to the other %d, which offer none, are generated",
			offered, c.Describe(), open), nil
	}
	return "every question is answered with an option: the greatest by " + c.Describe(), nil
}
