package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLicenceOf(t *testing.T) {
	const bsd = "Redistribution and use in source\n and binary forms, with or without"
	for content, want := range map[string]string{
		"Apache License\n  Version 2.0, January 2004": "Apache-2.0",
		bsd: "BSD-2-Clause",
		bsd + " modification ... may be used to endorse or promote products": "BSD-3-Clause",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "LICENSE.md"), []byte(content), 0o644))
		got, err := licenceOf(dir)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "LICENSE-font"), []byte("SIL Open Font License, Version 1.1"), 0o644))
		got, err = licenceOf(dir)
		require.NoError(t, err)
		require.Equal(t, want+" AND OFL-1.1", got)
	}
	dir := t.TempDir()
	_, err := licenceOf(dir)
	require.ErrorContains(t, err, "no licence is recognised")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "COPYING"), []byte("all rights reserved"), 0o644))
	_, err = licenceOf(dir)
	require.ErrorContains(t, err, "no licence is recognised")
}

func TestBOM(t *testing.T) {
	modules := []module{{Path: "git.sr.ht/~a/b", Version: "v1.0.0+incompatible", Sum: "h1:x=", Licence: "MIT"}}
	var a, b bytes.Buffer
	require.NoError(t, writeBOM(&a, modules, "go1.26.8"))
	require.NoError(t, writeBOM(&b, modules, "go1.26.8"))
	require.Equal(t, a.String(), b.String())
	var got struct {
		Components []struct{ Name, PURL string }
	}
	require.NoError(t, json.Unmarshal(a.Bytes(), &got))
	require.Equal(t, "pkg:golang/std@1.26.8", got.Components[0].PURL)
	require.Equal(t, "pkg:golang/git.sr.ht/%7Ea/b@v1.0.0%2Bincompatible", got.Components[1].PURL)
	require.Contains(t, a.String(), `"go:sum"`)
}
