package packages

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/cavaliergopher/cpio"
	"github.com/goccy/go-yaml"
	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/apk"
	_ "github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// root is the root of the tree.
const root = "../.."

// A build is a program that .goreleaser.yaml builds.
type build struct{ ID, Main, Binary string }

// A section is the part of .goreleaser.yaml that describes the packages. Its test in
// internal/cli/manual refuses fields with other names.
type section struct {
	IDs         []string `yaml:"ids"`
	PackageName string   `yaml:"package_name"`
	Formats     []string
	Vendor      string
	Maintainer  string
	Homepage    string
	License     string
	Section     string
	Description string
	MTime       string
	BinDir      string `yaml:"bindir"`
	Contents    []struct {
		Src, Dst string
		FileInfo struct {
			Mode  uint32
			MTime string
		} `yaml:"file_info"`
	}
}

func TestPackagesInstallAndRun(t *testing.T) {
	builds, packages := readConfig(t)
	dir := t.TempDir()
	command(t, "go", "run", "./internal/cli/manual", filepath.Join(dir, "generated"))
	for _, p := range packages {
		for _, b := range builds {
			if slices.Contains(p.IDs, b.ID) {
				command(t, "go", "build", "-ldflags", "-s -w", "-o", filepath.Join(dir, b.Binary), b.Main)
			}
		}
		for _, format := range p.Formats {
			t.Run(format, func(t *testing.T) {
				first, again := pack(t, p, builds, dir, format), pack(t, p, builds, dir, format)
				if !bytes.Equal(first, again) {
					t.Error("two packages of the same files differ")
				}
				names := list(t, format, first)
				for _, want := range []string{
					"usr/bin/forcemfa", "usr/bin/forcemfa-credential-process", "usr/bin/forcemfa-check",
					"usr/share/man/man1/forcemfa.1", "usr/share/man/man1/forcemfa-audit.1",
					"usr/share/bash-completion/completions/forcemfa", "usr/share/doc/forcemfa/copyright", "usr/share/doc/forcemfa/NOTICE",
				} {
					if !slices.Contains(names, want) {
						t.Errorf("the package has no %s; it has %s", want, strings.Join(names, " "))
					}
				}
				if format == "deb" {
					install(t, first)
				}
			})
		}
	}
}

// readConfig returns the builds and the packages of .goreleaser.yaml, with the templates
// of the packages filled in for a version of the past.
func readConfig(t *testing.T) ([]build, []section) {
	t.Helper()
	data, err := os.ReadFile(root + "/.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	filled := new(bytes.Buffer)
	// Only the templates of the section are filled: others need goreleaser's functions.
	_, packages, found := bytes.Cut(data, []byte("\nnfpms:\n"))
	packages, _, ended := bytes.Cut(packages, []byte("\nsboms:\n"))
	if !found || !ended {
		t.Fatal(".goreleaser.yaml has no section nfpms before its section sboms")
	}
	tmpl, err := template.New("").Option("missingkey=error").Parse(string(packages))
	if err != nil {
		t.Fatal(err)
	}
	if err := tmpl.Execute(filled, map[string]string{"CommitDate": "2026-01-02T15:04:05Z"}); err != nil {
		t.Fatal(err)
	}
	var config struct{ Builds []build }
	if err := yaml.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	var sections []section
	if err := yaml.Unmarshal(filled.Bytes(), &sections); err != nil {
		t.Fatal(err)
	}
	if len(config.Builds) == 0 || len(sections) == 0 {
		t.Fatalf("%d builds and %d packages", len(config.Builds), len(sections))
	}
	return config.Builds, sections
}

// pack returns a package of the programs and generated files in dir.
func pack(t *testing.T, p section, builds []build, dir, format string) []byte {
	t.Helper()
	date := parse(t, p.MTime)
	info := &nfpm.Info{
		Name: p.PackageName, Version: "1.2.3", Arch: runtime.GOARCH, Platform: "linux", MTime: date,
		Vendor: p.Vendor, Maintainer: p.Maintainer, Homepage: p.Homepage, License: p.License, Section: p.Section, Description: p.Description,
	}
	for _, b := range builds {
		if slices.Contains(p.IDs, b.ID) {
			info.Contents = append(info.Contents, &files.Content{Source: filepath.Join(dir, b.Binary), Destination: path.Join(p.BinDir, b.Binary), FileInfo: &files.ContentFileInfo{Mode: 0o755, MTime: date}})
		}
	}
	for _, c := range p.Contents {
		source := root + "/" + c.Src
		if generated, ok := strings.CutPrefix(c.Src, "generated/"); ok {
			source = filepath.Join(dir, "generated", generated)
		}
		info.Contents = append(info.Contents, &files.Content{Source: source, Destination: c.Dst, FileInfo: &files.ContentFileInfo{Mode: os.FileMode(c.FileInfo.Mode), MTime: parse(t, c.FileInfo.MTime)}})
	}
	info = nfpm.WithDefaults(info)
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		t.Fatal(err)
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := packager.Package(info, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// list returns the names of the files in a package.
func list(t *testing.T, format string, data []byte) []string {
	t.Helper()
	var names []string
	switch format {
	case "deb":
		file := filepath.Join(t.TempDir(), "forcemfa.deb")
		write(t, file, data)
		names = entries(t, bytes.NewReader(command(t, "dpkg-deb", "--fsys-tarfile", file)))
	case "rpm":
		_, payload, found := bytes.Cut(data, []byte{0x1f, 0x8b, 8}) // headers, and a compressed cpio archive
		if !found {
			t.Fatal("the package has no payload")
		}
		plain, err := gzip.NewReader(bytes.NewReader(data[len(data)-len(payload)-3:]))
		if err != nil {
			t.Fatal(err)
		}
		archive := cpio.NewReader(plain)
		for {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, strings.TrimPrefix(strings.TrimPrefix(header.Name, "."), "/"))
		}
	case "apk": // three compressed archives, one after the other
		source := bufio.NewReader(bytes.NewReader(data))
		for {
			one, err := gzip.NewReader(source)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			one.Multistream(false)
			names = append(names, entries(t, one)...)
		}
	default:
		t.Fatalf("this test cannot read a package of format %s", format)
	}
	return names
}

// entries returns the names in a tar archive, which may lack its end as those of apk do.
func entries(t *testing.T, source io.Reader) []string {
	t.Helper()
	var names []string
	archive := tar.NewReader(source)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, source)
			if err != nil {
				t.Fatal(err)
			}
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimPrefix(header.Name, "./"))
	}
}

// install unpacks a deb into a root of its own and runs the program in it.
func install(t *testing.T, deb []byte) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "forcemfa.deb")
	write(t, file, deb)
	command(t, "dpkg-deb", "-x", file, filepath.Join(dir, "root"))
	out := command(t, filepath.Join(dir, "root/usr/bin/forcemfa"), "rehearse")
	if !strings.Contains(string(out), "refused") {
		t.Errorf("rehearse of the packaged program printed\n%s", out)
	}
}

func parse(t *testing.T, date string) time.Time {
	t.Helper()
	d, err := time.Parse(time.RFC3339, date)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// command runs a program in the root of the tree and returns its standard output.
func command(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false") // as .goreleaser.yaml has it
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, problems.Bytes())
	}
	return out
}
