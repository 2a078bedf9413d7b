package offline

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"forcemfa/internal/cli/command"
	"forcemfa/internal/view"
	"forcemfa/policy/catalog"
)

// Version, commit and date of a release, which its build sets with -ldflags -X.
// They are empty in a build from source, where Go records what it knows.
var version, commit, date string

// NewVersion returns the verb version.
func NewVersion(e *command.Env) *cobra.Command {
	output, check := "text", false
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Args:    cobra.NoArgs,
		Example: "  forcemfa version\n  forcemfa version -o json\n  forcemfa version --check-catalog",
		RunE: func(*cobra.Command, []string) error {
			if err := command.CheckOutput(output); err != nil {
				return err
			}
			b := Build()
			b.Catalog = catalog.Load().Date()
			if check {
				b.CatalogAge = catalogAge(b.Catalog, e.Now())
			}
			if output == "json" {
				return view.JSON(e.Stdout, b)
			}
			b.print(e.Stdout)
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", output, "text or json")
	c.Flags().BoolVar(&check, "check-catalog", false, "print how old the catalog of AWS actions is")
	return c
}

// BuildInfo is the version of the program.
type BuildInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // commit
	Date     string `json:"date,omitempty"`     // of the commit, RFC 3339
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// Catalog is the day of the catalog of AWS actions, 2006-01-02; CatalogAge its
	// age in days.
	Catalog    string `json:"catalog,omitempty"`
	CatalogAge *int   `json:"catalog_age_days,omitempty"`
}

// String is the version in one line.
func (b BuildInfo) String() string {
	return fmt.Sprintf("forcemfa %s (%s, %s)", b.Version, b.Go, b.Platform)
}

func (b BuildInfo) print(w io.Writer) {
	fmt.Fprintln(w, b.String())
	if b.Revision != "" {
		modified := ""
		if b.Modified {
			modified = ", modified"
		}
		fmt.Fprintf(w, "commit %s%s\n", b.Revision, modified)
	}
	if b.Date != "" {
		fmt.Fprintf(w, "date %s\n", b.Date)
	}
	fmt.Fprintf(w, "catalog of AWS actions %s\n", b.Catalog)
	if b.CatalogAge == nil {
		return
	}
	fmt.Fprintf(w, "The catalog is %d days old. Proofs that cover any AWS action don't depend on it; others don't cover actions that AWS added since.\n", *b.CatalogAge)
	if *b.CatalogAge > 180 {
		fmt.Fprintln(w, "next: install the newest release")
	}
}

// catalogAge returns the days between the day of the catalog and now; nil for a
// catalog without a day.
func catalogAge(day string, now time.Time) *int {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return nil
	}
	age := int(now.Sub(t).Hours() / 24)
	return &age
}

// Build describes the running program: what the release build has set, otherwise
// what Go recorded.
func Build() BuildInfo {
	b := BuildInfo{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if version != "" {
		b.Version, b.Revision, b.Date = version, commit, date
		return b
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Date = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
