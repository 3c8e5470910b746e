// Package rundir is what a run leaves behind: a manifest, a line per sample, a line of times per sample, and a summary. It is
// a leaf: whoever reads runs links no model.
//
//	RUN/manifest.json    what was run, on what, with which settings
//	RUN/samples.jsonl    one Sample per line in the suite's order, flushed as it is answered
//	RUN/timings.jsonl    one Timing per line; apart, so that two equal runs have equal samples.jsonl byte for byte
//	RUN/summary.json     made from the samples when the run is complete
package rundir

import (
	"encoding/json"
	"fmt"
	"time"
)

// SchemaVersion is the version of everything in a run directory. Readers refuse newer ones.
const SchemaVersion = 1

// A Manifest says what was run. Settings, Suite and System identify the results; the rest describes the machine and time.
type Manifest struct {
	SchemaVersion int             `json:"schema_version"`
	Command       []string        `json:"command"` // as given, secrets never are in it
	Suite         Suite           `json:"suite"`
	System        System          `json:"system"`
	Settings      json.RawMessage `json:"settings"` // resolved settings of the run, flat
	Machine       Machine         `json:"machine"`
	// Data are the files that the questions come from: the question file and the pictures; empty where they are drawn. Names
	// of pictures are below Pictures, that of the question file is its last part.
	Data []File `json:"data,omitempty"`
	// Work is what an answer costs by the model's shape; absent where the system does not know.
	Work *Work `json:"work,omitempty"`
	// Shard is the part of the suite that this run asks; absent where it asks all of it.
	Shard *Shard `json:"shard,omitempty"`
	// Merged are the runs that a whole one was put together from, in the order of their questions. Machine is the first one's,
	// Load the sum.
	Merged []Part `json:"merged,omitempty"`
	// Pictures is the absolute directory that the pictures were read from; empty for drawn ones.
	Pictures string `json:"pictures,omitempty"`
	// Load is how busy the machine was with other work while the run answered; absent where the system does not say.
	Load    *Load      `json:"load,omitempty"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended,omitempty"`
}

// Questions is how many questions the run asks.
func (m Manifest) Questions() int {
	if m.Shard != nil {
		return m.Shard.Items
	}
	return m.Suite.Items
}

// A Shard is a block of a suite's questions, one of Count that together are the suite.
type Shard struct {
	Number int `json:"number"` // 1 to Count, in the order of the questions
	Count  int `json:"count"`
	First  int `json:"first"` // index in the suite of the block's first question
	Items  int `json:"items"`
}

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Number, s.Count) }

// A Part is a shard that went into a merged run.
type Part struct {
	Shard   Shard      `json:"shard"`
	Machine Machine    `json:"machine"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended,omitempty"`
}

// A Suite identifies a set of questions.
type Suite struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Seed    uint64 `json:"seed,omitempty"`
	Split   string `json:"split,omitempty"`
	Prompts string `json:"prompts,omitempty"` // the harness whose prompts are asked, of public benchmarks
	// Categories are those that the questions are of, with commas between; "" where they are of all.
	Categories string `json:"categories,omitempty"`
	Items      int    `json:"items"`
}

// A System identifies what answered.
type System struct {
	Model    string          `json:"model"`
	Variant  string          `json:"variant"`
	DType    string          `json:"dtype"`
	Numerics string          `json:"numerics"`
	KV       string          `json:"kv_dtype,omitempty"` // type of the key-value cache
	Options  json.RawMessage `json:"options"`            // of the variant, resolved
	Files    []File          `json:"files"`
}

// A File is a file of the system with its digest.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Work is what a model's shape makes an answer cost, for the limits that speeds are compared with (Williams et al. 2009,
// "Roofline").
type Work struct {
	WeightBytes int64 `json:"weight_bytes"` // all weights in memory
	// DecodeBytes is what one decoding step reads of weights.
	DecodeBytes int64 `json:"decode_bytes"`
	// KVBytes is the size of keys and values of one position.
	KVBytes int64 `json:"kv_bytes"`
	// PositionOps is the arithmetic of one prompt position in the decoder's matrices: 2 operations per weight.
	PositionOps int64 `json:"position_ops"`
}

// Limits are measured limits of a machine with the threads of the run.
type Limits struct {
	OpsPerSecond  float64 `json:"ops_per_second"`        // of the multiply-add that the run's numerics use
	ReadPerSecond float64 `json:"read_bytes_per_second"` // of memory, far larger than the caches
}

// A Machine is where a run took place. Nothing of it changes a result.
type Machine struct {
	CPU      string `json:"cpu"`
	ISA      string `json:"isa"`
	Threads  int    `json:"threads"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Go       string `json:"go"`
	Revision string `json:"revision"` // of the code; "-dirty" when it was changed
	// Limits are absent where they were not measured.
	Limits *Limits `json:"limits,omitempty"`
}

// A Load is what the threads of the run (since it was last resumed) got of the machine, in seconds summed over all of them.
type Load struct {
	CPU    float64 `json:"cpu_s"`    // on a CPU
	Waited float64 `json:"waited_s"` // ready to run, waiting for a CPU that did other work
}

// Waiting is the share of the time in which threads wanted a CPU and had none.
func (l Load) Waiting() float64 {
	if l.CPU+l.Waited == 0 {
		return 0
	}
	return l.Waited / (l.CPU + l.Waited)
}

// A Sample is one answered question.
type Sample struct {
	Index        int    `json:"index"`
	ID           string `json:"id"`
	Category     string `json:"category,omitempty"`
	Question     string `json:"question,omitempty"` // as the suite asks it
	Image        string `json:"image,omitempty"`    // file below Manifest.Pictures
	Width        int    `json:"width,omitempty"`    // of the decoded picture, pixels
	Height       int    `json:"height,omitempty"`
	PixelSHA256  string `json:"pixel_sha256,omitempty"` // of the decoded picture
	Prompt       string `json:"prompt"`                 // the exact text, <image> for each picture
	PromptTokens int    `json:"prompt_tokens"`
	ImageTokens  int    `json:"image_tokens"`
	OutputIDs    []int  `json:"output_ids"`
	// LogitsSHA256 is of the logits that the first token was chosen from, all of the vocabulary, as little-endian float32; absent
	// where the system does not show them.
	LogitsSHA256 string `json:"logits_sha256,omitempty"`
	Text         string `json:"text"`
	// Options are the answers that Text was chosen from by their likelihoods; absent where it was generated.
	Options   []Option `json:"options,omitempty"`
	Reference string   `json:"reference,omitempty"`
	Score     *float64 `json:"score,omitempty"` // absent where the question could not be answered
	Scorer    string   `json:"scorer,omitempty"`
	DetailPx  int      `json:"detail_px,omitempty"`
	Error     string   `json:"error,omitempty"`
}

// An Option is an answer with its likelihood behind the prompt.
type Option struct {
	Answer string `json:"answer"`           // what Sample.Text is when it is chosen
	Scored string `json:"scored,omitempty"` // the text whose likelihood it is; absent where that is Answer
	Tokens int    `json:"tokens"`           // of that text behind the prompt
	// LogProb is the sum of the natural logarithms of the tokens' probabilities.
	LogProb float32 `json:"logprob"`
}

// Mark is what a sample counts in an accuracy: its score, and 0 for a question that got no answer. ok is false for a question
// without a reference, which does not count.
func (s Sample) Mark() (mark float64, ok bool) {
	switch {
	case s.Score != nil:
		return *s.Score, true
	case s.Reference != "":
		return 0, true
	}
	return 0, false
}

// A Timing is the times of one sample in milliseconds by stage. Where several questions were answered together, or had work in
// common, it is the sample's share of them, so that the stages of all samples add up to the time that they took. Only
// "first_token" and "total" are times on the clock: from the beginning of the batch until the token was known, and until all
// answers of the batch were.
type Timing struct {
	Index        int                `json:"index"`
	ID           string             `json:"id"`
	Milliseconds map[string]float64 `json:"timings_ms"`
	// Shared is the part of Milliseconds that is a share of what was done once for several questions about one picture.
	Shared    map[string]float64 `json:"shared_ms,omitempty"`
	Together  int                `json:"together,omitempty"` // questions answered at the same time; 0 where it is not known
	NewTokens int                `json:"new_tokens,omitempty"`
	// Reused is how many views of the picture had features from an earlier run: such an answer has no times of the vision tower,
	// until its first token, and of the whole.
	Reused int `json:"reused_views,omitempty"`
	// Wall is the time on the clock since the line before, or since this session of the run began to answer: the lines add up to
	// the time that the run took over all its sessions, pictures read and answers recorded, models loaded not. That of a batch is
	// in its first line.
	Wall float64 `json:"wall_ms,omitempty"`
	// WarmUp marks the questions of a session's first batch, which find caches and pages cold.
	WarmUp bool `json:"warm_up,omitempty"`
	// PeakRSS is the largest resident memory of the process so far; 0 where it is not known, or not that of the model.
	PeakRSS int64 `json:"peak_rss_bytes,omitempty"`
	// Energy is what the machine used in the time of Wall; absent where it cannot be read.
	Energy *Energy `json:"energy,omitempty"`
}

// Energy is in joules, of the whole machine: what else ran on it is in it.
type Energy struct {
	Package float64  `json:"package_j"`        // processors
	DRAM    *float64 `json:"dram_j,omitempty"` // memory; absent where the machine does not count it
}
