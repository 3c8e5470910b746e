package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"runtime"
	"sync"
)

const digestChunk = 1 << 20

// Digest computes the SHA-256 of every file of the checkpoint, stores it in Files and returns a copy of them. It reads the
// files, not the mappings, several at a time, and fails when one is no longer the file that is mapped. progress, which may be nil, is told the bytes done of all.
func (c *Checkpoint) Digest(ctx context.Context, progress func(done, total int64)) ([]FileInfo, error) {
	var total, done int64
	for _, f := range c.Files {
		total += f.Size
	}
	var mu sync.Mutex
	report := func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		done += n
		if progress != nil {
			progress(done, total)
		}
	}
	out := append([]FileInfo(nil), c.Files...)
	errs := make([]error, len(out))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i := range out {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out[i].SHA256, errs[i] = digestFile(ctx, out[i], report)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	for _, w := range c.open {
		for _, f := range w.files {
			if now, err := os.Stat(f.path); err != nil || !os.SameFile(f.info, now) {
				return nil, errf(ErrChanged, "%s was replaced while it was in use: the file that was read is no longer there to be checked", f.path)
			}
		}
	}
	copy(c.Files, out)
	return out, nil
}

// digestFile hashes one file, which must still have the size that it had when it was opened.
func digestFile(ctx context.Context, info FileInfo, report func(int64)) (string, error) {
	f, err := os.Open(info.Path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	for at := int64(0); at < info.Size; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := io.CopyN(h, f, min(digestChunk, info.Size-at))
		if err == io.EOF {
			return "", errf(ErrTruncated, "%s had %d bytes when it was opened, now %d", info.Path, info.Size, at+n)
		}
		if err != nil {
			return "", err
		}
		at += n
		report(n)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
