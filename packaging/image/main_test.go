package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
)

func TestTheImageHoldsTheProgramAndRoots(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "forcemfa")
	if err := os.WriteFile(program, []byte("a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	digests := map[string]bool{}
	for _, name := range []string{"one", "two"} {
		out := filepath.Join(dir, name)
		if err := write(out, "1.2.3", "2026-01-02T15:04:05Z", []string{"linux/arm64=" + program, "linux/amd64=" + program}); err != nil {
			t.Fatal(err)
		}
		index, err := layout.ImageIndexFromPath(out)
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := index.IndexManifest()
		if err != nil || len(manifest.Manifests) != 2 {
			t.Fatalf("%v platforms, %v", manifest, err)
		}
		digest, err := index.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests[digest.String()] = true
		image, err := index.Image(manifest.Manifests[0].Digest)
		if err != nil {
			t.Fatal(err)
		}
		layers, err := image.Layers()
		if err != nil || len(layers) != 1 {
			t.Fatalf("%d layers, %v", len(layers), err)
		}
		content, err := layers[0].Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		files := read(t, content)
		if string(files["forcemfa"]) != "a program" {
			t.Errorf("the program is %q", files["forcemfa"])
		}
		if !x509.NewCertPool().AppendCertsFromPEM(files["etc/ssl/certs/ca-certificates.crt"]) {
			t.Error("no root certificates")
		}
	}
	if len(digests) != 1 {
		t.Errorf("the same arguments give different images: %v", digests)
	}
}

// read reads a whole archive, with its end.
func read(t *testing.T, content io.ReadCloser) map[string][]byte {
	t.Helper()
	defer content.Close()
	files := map[string][]byte{}
	whole, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(whole); n < 1024 || n%512 != 0 || string(whole[n-1024:]) != string(make([]byte, 1024)) {
		t.Errorf("an archive of %d bytes does not end with two empty blocks", n)
	}
	archive := tar.NewReader(bytes.NewReader(whole))
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBadArgumentsAreRefused(t *testing.T) {
	dir := t.TempDir()
	for _, a := range []struct {
		out, created string
		platforms    []string
	}{
		{filepath.Join(dir, "a"), "yesterday", []string{"linux/amd64=x"}},
		{filepath.Join(dir, "b"), "2026-01-02T15:04:05Z", nil},
		{dir, "2026-01-02T15:04:05Z", []string{"linux/amd64=x"}},
		{filepath.Join(dir, "c"), "2026-01-02T15:04:05Z", []string{"amd64=x"}},
		{filepath.Join(dir, "d"), "2026-01-02T15:04:05Z", []string{"linux/amd64=" + dir + "/missing"}},
	} {
		if err := write(a.out, "1", a.created, a.platforms); err == nil {
			t.Errorf("%+v is accepted", a)
		}
	}
}
