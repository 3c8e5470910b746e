package main

import (
	"errors"
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"llavabench/internal/rundir"
	"llavabench/internal/stats"
)

type powerFlags struct {
	difference  float64
	discordance float64
	items       int
	power       float64
	alpha       float64
	perImage    float64
	icc         float64
	sd          float64
	json        bool
}

func newPower(env *environment) *cobra.Command {
	var f powerFlags
	cmd := &cobra.Command{
		Use:   "power [BASE NEW]",
		Short: "How many questions it takes to see a difference between two models",
		Long: `power plans a comparison of two models on the same questions by McNemar's exact test. What counts beside the difference in
accuracy is the discordance: the share of questions on which exactly one of the two will be right. Models that err
independently at accuracies a and b disagree on a(1-b) + b(1-a) of the questions, related ones on fewer; give two runs to
take it from them.

With --difference it says how many questions are needed, with --questions what difference can be seen with that many; with
both, the power. Where several questions share an image they tell less than as many with one each: --per-image and --icc
(the correlation of scores within an image) take that into account. For scores that are not right or wrong give --sd, the
standard deviation of the paired differences, instead of --discordance.

Differences are in points of percent.`,
		Example: `  llavabench power --difference 2 --discordance 0.15
  llavabench power --questions 500 --discordance 0.15
  llavabench power --difference 1 --discordance 0.1 --per-image 18 --icc 0.1
  llavabench power runs/base runs/new`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return execPower(env, f, args) },
	}
	fl := cmd.Flags()
	fl.Float64Var(&f.difference, "difference", 0, "difference in accuracy to see, in `points` of percent")
	fl.Float64Var(&f.discordance, "discordance", 0, "`share` of questions on which exactly one model is right, 0 to 1")
	fl.IntVar(&f.items, "questions", 0, "`number` of questions at hand")
	fl.Float64Var(&f.power, "power", 0.8, "`probability` with which a true difference is to be found")
	fl.Float64Var(&f.alpha, "alpha", 0.05, "`level` of the two-sided test")
	fl.Float64Var(&f.perImage, "per-image", 1, "`questions` about one image, on average")
	fl.Float64Var(&f.icc, "icc", 0, "intra-image `correlation` of the differences, 0 to 1")
	fl.Float64Var(&f.sd, "sd", 0, "standard `deviation` of the paired score differences, scores from 0 to 1")
	fl.BoolVar(&f.json, "json", false, "print one JSON object")
	return cmd
}

// A powerPlan is what the command prints.
type powerPlan struct {
	Difference   float64       `json:"difference_points,omitempty"`
	Discordance  float64       `json:"discordance,omitempty"`
	SD           float64       `json:"sd,omitempty"`
	Alpha        float64       `json:"alpha"`
	Power        float64       `json:"power"`
	DesignEffect float64       `json:"design_effect"`
	Needed       int           `json:"questions_needed,omitempty"`
	Normal       int           `json:"questions_needed_normal_approximation,omitempty"`
	Questions    int           `json:"questions,omitempty"`
	Detectable   float64       `json:"detectable_points,omitempty"` // that Questions show with Power
	Achieved     float64       `json:"questions_power,omitempty"`   // of Questions to show Difference
	Observed     *stats.Paired `json:"observed,omitempty"`          // of the two runs
}

func execPower(env *environment, f powerFlags, args []string) error {
	plan := powerPlan{Alpha: f.alpha, Power: f.power, SD: f.sd, Discordance: f.discordance, Questions: f.items, Difference: f.difference}
	switch {
	case len(args) == 1:
		return usagef("one run is given, expected two or none")
	case f.alpha <= 0 || f.alpha >= 1 || f.power <= 0 || f.power >= 1:
		return usagef("--alpha and --power are shares between 0 and 1")
	case f.perImage < 1 || f.icc < 0 || f.icc > 1:
		return usagef("--per-image is at least 1 and --icc is from 0 to 1")
	case f.difference < 0 || f.items < 0:
		return usagef("--difference and --questions cannot be negative")
	}
	plan.DesignEffect = stats.DesignEffect(f.perImage, f.icc)
	if len(args) == 2 {
		if f.discordance != 0 || f.sd != 0 || f.perImage != 1 || f.icc != 0 {
			return usagef("two runs say the discordance and how alike the questions of an image are themselves")
		}
		if err := plan.observe(args[0], args[1]); err != nil {
			return err
		}
	}
	if err := plan.compute(); err != nil {
		return err
	}
	if f.json {
		return printJSON(env, plan)
	}
	return plan.print(env)
}

// observe takes the design from two runs over the same questions.
func (p *powerPlan) observe(base, new string) error {
	pairs, err := rundir.ReadPairs(base, new)
	if err != nil {
		return err
	}
	a, b, images := pairs.Marks()
	r := stats.Compare(a, b, images)
	if r.N == 0 {
		return errors.New("the two runs have no scored question in common")
	}
	p.Observed = &r
	independent := stats.Compare(a, b, nil)
	if independent.SE > 0 && r.SE > 0 {
		ratio := r.SE / independent.SE
		p.DesignEffect = math.Max(1, float64(ratio*ratio))
	}
	if r.McNemar != nil {
		p.Discordance = float64(r.Better+r.Worse) / float64(r.N)
	} else {
		p.SD = independent.SE * math.Sqrt(float64(r.N))
	}
	if p.Discordance == 0 && p.SD == 0 {
		return errors.New("the two runs score every question alike: there is no difference to plan for")
	}
	if p.Questions == 0 {
		p.Questions = r.N
	}
	if p.Difference == 0 {
		p.Difference = 100 * math.Abs(r.Difference)
	}
	return nil
}

// compute fills in what follows from what is given.
func (p *powerPlan) compute() error {
	switch {
	case p.SD > 0 && p.Discordance > 0:
		return usagef("either --discordance or --sd")
	case p.SD == 0 && p.Discordance == 0:
		return usagef("--discordance S is needed, or --sd, or two runs")
	case p.Difference == 0 && p.Questions == 0:
		return usagef("--difference D or --questions N is needed")
	case p.SD > 0:
		return p.computeMean()
	}
	design := stats.Design{Discordance: p.Discordance, Alpha: p.Alpha}
	if p.Difference > 0 {
		exact, err := design.Items(p.Difference/100, p.Power)
		if err != nil {
			return usageError{err}
		}
		normal, err := design.ItemsNormal(p.Difference/100, p.Power)
		if err != nil {
			return usageError{err}
		}
		p.Needed, p.Normal = p.inflate(exact), p.inflate(normal)
	}
	if p.Questions == 0 {
		return nil
	}
	effective := int(float64(p.Questions) / p.DesignEffect)
	d, ok, err := design.Detectable(effective, p.Power)
	if err != nil {
		return usageError{err}
	}
	if ok {
		p.Detectable = 100 * d
	}
	if p.Difference > 0 {
		p.Achieved, err = design.Power(effective, p.Difference/100)
	}
	return err
}

func (p *powerPlan) computeMean() error {
	if p.Difference > 0 {
		n, err := stats.ItemsMean(p.Difference/100, p.SD, p.Alpha, p.Power)
		if err != nil {
			return usageError{err}
		}
		p.Needed = p.inflate(n)
	}
	if p.Questions > 0 {
		// The number needed falls with the square of the difference; a thousandth makes rounding up unimportant.
		many, err := stats.ItemsMean(p.SD/1000, p.SD, p.Alpha, p.Power)
		if err != nil {
			return usageError{err}
		}
		p.Detectable = 100 * p.SD / 1000 * math.Sqrt(float64(many)*p.DesignEffect/float64(p.Questions))
	}
	return nil
}

func (p *powerPlan) inflate(n int) int { return int(math.Ceil(float64(n) * p.DesignEffect)) }

func (p *powerPlan) print(env *environment) error {
	w := &stickyWriter{w: env.stdout}
	if o := p.Observed; o != nil {
		w.printf("observed: %+.2f points on %d questions (%d better, %d worse; 95 %% interval %+.2f to %+.2f, p = %.3g, %s)\n",
			100*o.Difference, o.N, o.Better, o.Worse, 100*o.CI.Low, 100*o.CI.High, o.P, o.Test)
	}
	spread := fmt.Sprintf("a discordance of %.3g", p.Discordance)
	if p.SD > 0 {
		spread = fmt.Sprintf("a standard deviation of %.3g", p.SD)
	}
	if p.DesignEffect > 1 {
		spread += fmt.Sprintf(" and a design effect of %.3g for questions that share images", p.DesignEffect)
	}
	w.printf("with %s, at level %g:\n", spread, p.Alpha)
	if p.Needed > 0 {
		w.printf("  a difference of %.3g points needs %s questions to be seen with a probability of %g", p.Difference, formatCount(int64(p.Needed)), p.Power)
		if p.Normal > 0 {
			w.printf(" (normal approximation: %s)", formatCount(int64(p.Normal)))
		}
		w.printf("\n")
	}
	if p.Achieved > 0 {
		w.printf("  %s questions show it with a probability of %.3g\n", formatCount(int64(p.Questions)), p.Achieved)
	}
	switch {
	case p.Questions == 0:
	case p.Detectable > 0:
		w.printf("  %s questions show a difference of %.3g points or more with a probability of %g\n", formatCount(int64(p.Questions)), p.Detectable, p.Power)
	default:
		w.printf("  %s questions show no difference at all: even if one model won every question on which they differ\n", formatCount(int64(p.Questions)))
	}
	return w.err
}
