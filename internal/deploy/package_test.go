package deploy

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/testclients"
)

func TestTheSameBytesGiveTheSamePackage(t *testing.T) {
	one, two := testPackage(t, "version: 1\n"), testPackage(t, "version: 1\n")
	if !bytes.Equal(one.Zip, two.Zip) || one.Key() != two.Key() {
		t.Error("two packages of the same bytes differ")
	}
	other := testPackage(t, "version: 1\nattach: user\n")
	if other.Key() == one.Key() || other.ConfigHash == one.ConfigHash {
		t.Error("another config gives the same package")
	}
}

func TestPackageIsValidForLambda(t *testing.T) {
	p := testPackage(t, "version: 1\n")
	r, err := zip.NewReader(bytes.NewReader(p.Zip), int64(len(p.Zip)))
	if err != nil {
		t.Fatal(err)
	}
	type file struct {
		Name, Mode, Text string
		Time             int64
	}
	var got []file
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, file{f.Name, f.Mode().String(), string(text), f.Modified.Unix()})
	}
	want := []file{
		{"bootstrap", fs.FileMode(0o755).String(), string(testProgram()), epoch.Unix()},
		{"forcemfa.yaml", fs.FileMode(0o644).String(), "version: 1\n", epoch.Unix()},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestUnzipUnpacksThePackage(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/p.zip", testPackage(t, "version: 1\n").Zip, 0o600); err != nil {
		t.Fatal(err)
	}
	const python = `import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), [(i.filename, oct(i.external_attr>>16), i.date_time[0]) for i in z.infolist()])`
	out, err := testclients.Command(t, "python3", "-c", python, dir+"/p.zip").CombinedOutput()
	if want := "None [('bootstrap', '0o100755', 1980), ('forcemfa.yaml', '0o100644', 1980)]\n"; err != nil || string(out) != want {
		t.Errorf("%v: %s, want %s", err, out, want)
	}
}

func TestAProgramForAnotherMachineIsRefused(t *testing.T) {
	for _, row := range []struct {
		program      []byte
		architecture string
		want         string
	}{
		{testProgram(), X86, "the bootstrap is for EM_AARCH64, but the function is for x86_64"},
		{[]byte("#!/bin/sh\n"), ARM64, "the bootstrap is not a program for Linux"},
		{testProgram(), "arm", `architecture "arm": want arm64 or x86_64`},
		{append(testProgram(), make([]byte, unpackedLimit)...), ARM64, "the package has "},
	} {
		if _, err := Pack(row.program, nil, row.architecture); err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.architecture, err, row.want)
		}
	}
}
