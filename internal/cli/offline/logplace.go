package offline

import (
	"archive/zip"
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"time"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/emulator/sample"
	"forcemfa/internal/rehearse"
	"forcemfa/internal/trail"
)

// LogPlace opens a CloudTrail log: a file or a folder.
func LogPlace(source string) (trail.Place, error) {
	info, err := os.Stat(source)
	if err != nil {
		return trail.Place{}, command.FileError("read the log", err)
	}
	if info.IsDir() {
		return trail.Place{FS: os.DirFS(source), Root: ".", Name: source}, nil
	}
	dir, base := filepath.Split(filepath.Clean(source))
	return trail.Place{FS: os.DirFS(cmp.Or(dir, ".")), Root: base, Name: dir}, nil
}

// SampleLog is the log of the sample organization's month before now.
func SampleLog(now time.Time) (trail.Place, error) {
	archive, _, err := sample.Month(now)
	if err != nil {
		return trail.Place{}, err
	}
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	return trail.Place{FS: files, Root: ".", Name: "sample"}, err
}

// replayed are the logs of --replay. The name of the sample organization is its month.
func replayed(sources []string, now time.Time) (places []trail.Place, err error) {
	for _, source := range sources {
		var place trail.Place
		if source == rehearse.Sample {
			place, err = SampleLog(now)
		} else {
			place, err = LogPlace(source)
		}
		if err != nil {
			return nil, err
		}
		places = append(places, place)
	}
	return places, nil
}
