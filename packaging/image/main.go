// Command image writes a container image of forcemfa as an OCI image layout, without
// a container engine:
//
//	go run . -version 1.2.3 -created 2026-01-02T15:04:05Z -out DIR linux/amd64=PATH linux/arm64=PATH
//
// Each PATH is a static binary of forcemfa. The image holds the binary, the roots that
// Go's own fallback bundle trusts, and a user without rights; it has no shell and no
// package manager. The same arguments give the same bytes.
package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is the ID of the user and group that the image runs as.
const user = 65532

func main() {
	version := flag.String("version", "devel", "version of forcemfa")
	created := flag.String("created", "1970-01-01T00:00:00Z", "date of the image, RFC 3339")
	out := flag.String("out", "", "folder of the image layout; must not exist")
	flag.Parse()
	if err := write(*out, *version, *created, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// write writes the layout of an image with one manifest for each of platforms, which
// are given as OS/ARCH=PATH.
func write(out, version, created string, platforms []string) error {
	date, err := time.Parse(time.RFC3339, created)
	if err != nil {
		return fmt.Errorf("-created: %w", err)
	}
	if out == "" || len(platforms) == 0 {
		return fmt.Errorf("-out and at least one OS/ARCH=PATH are needed")
	}
	if _, err := os.Stat(out); err == nil {
		return fmt.Errorf("%s exists: remove it first", out)
	}
	sort.Strings(platforms)
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range platforms {
		name, binary, ok := strings.Cut(p, "=")
		system, arch, ok2 := strings.Cut(name, "/")
		if !ok || !ok2 {
			return fmt.Errorf("%q is not OS/ARCH=PATH", p)
		}
		image, err := platformImage(binary, system, arch, version, date.UTC())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: system, Architecture: arch}},
		})
	}
	_, err = layout.Write(out, index)
	return err
}

// platformImage returns the image of one platform.
func platformImage(binary, system, arch, version string, date time.Time) (v1.Image, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	files, err := archive(program, date)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files)), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: system, Architecture: arch, Created: v1.Time{Time: date},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Entrypoint: []string{"/forcemfa"},
			User:       fmt.Sprintf("%d:%d", user, user),
			WorkingDir: "/work",
			Env: []string{
				"PATH=/", "HOME=/work", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
			},
			Labels: map[string]string{
				"org.opencontainers.image.title":    "forcemfa",
				"org.opencontainers.image.version":  version,
				"org.opencontainers.image.licenses": "Apache-2.0",
			},
		},
	})
	if err != nil {
		return nil, err
	}
	return mutate.Append(image, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: v1.Time{Time: date}, CreatedBy: "forcemfa packaging/image"},
	})
}

// archive returns the files of the image as a tar archive: the program, roots, and a
// home that its user may write to.
func archive(program []byte, date time.Time) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	roots, err := certificates()
	if err != nil {
		return nil, err
	}
	for _, e := range []struct {
		name string
		mode int64
		data []byte
		id   int
	}{
		{"etc/", 0o755, nil, 0}, {"etc/ssl/", 0o755, nil, 0}, {"etc/ssl/certs/", 0o755, nil, 0},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, roots, 0},
		{"etc/passwd", 0o644, fmt.Appendf(nil, "forcemfa:x:%d:%d::/work:/\n", user, user), 0},
		{"etc/group", 0o644, fmt.Appendf(nil, "forcemfa:x:%d:\n", user), 0},
		{"tmp/", 0o1777, nil, 0},
		{"work/", 0o700, nil, user},
		{"forcemfa", 0o755, program, 0},
	} {
		h := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.data)), ModTime: date, Uid: e.id, Gid: e.id, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Clean(e.name), err)
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil { // writes the end of the archive
		return nil, err
	}
	return out.Bytes(), nil
}

// certificates returns the roots of Go's fallback bundle as PEM. Roots with a
// constraint that PEM cannot express are left out.
func certificates() ([]byte, error) {
	var out bytes.Buffer
	n := 0
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
		n++
	}
	if n < 50 {
		return nil, fmt.Errorf("the bundle has only %d roots", n)
	}
	return out.Bytes(), nil
}
