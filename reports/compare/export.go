package compare

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// The elements of JUnit's XML as CI systems read it.
type (
	junitSuites struct {
		XMLName  xml.Name   `xml:"testsuites"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Suite    junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes checks as a JUnit file: a test case for each rule.
func JUnit(w io.Writer, c *Comparison, checks []Check) error {
	s := junitSuite{Name: fmt.Sprintf("%s against %s", c.New.Run, c.Base.Run), Tests: len(checks)}
	for _, k := range checks {
		t := junitCase{Name: k.Name, Class: "llavabench.compare"}
		switch {
		case k.Failed:
			s.Failures++
			t.Failure = &junitMessage{Message: k.Message, Text: k.Message}
		case k.Skipped != "":
			s.Skipped++
			t.Skipped = &junitMessage{Message: k.Skipped}
			t.Out = k.Message
		default:
			t.Out = k.Message
		}
		s.Cases = append(s.Cases, t)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(junitSuites{Tests: s.Tests, Failures: s.Failures, Suite: s}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// GitHub writes an annotation (workflow command) for each failed check, and one notice where none failed.
func GitHub(w io.Writer, c *Comparison, checks []Check) error {
	failed := Regressions(checks)
	for _, k := range failed {
		if _, err := fmt.Fprintf(w, "::error title=%s::%s\n", property(k.Name), message(k.Message)); err != nil {
			return err
		}
	}
	if len(failed) > 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "::notice title=llavabench compare::%s\n", message(fmt.Sprintf("no regression in %d samples of %s", c.Samples, c.New.Suite)))
	return err
}

var (
	messageEscapes  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func message(s string) string  { return messageEscapes.Replace(s) }
func property(s string) string { return propertyEscapes.Replace(s) }
