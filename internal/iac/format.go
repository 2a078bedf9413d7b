package iac

import (
	"bytes"
	"strings"
)

// formatted returns the lines of an hcl as terraform fmt formats them: indented, and
// with the equals signs of consecutive arguments below each other. The library that
// formats any HCL costs each start of forcemfa about a millisecond, for tables that
// it initializes.
func formatted(lines []byte) []byte {
	var out bytes.Buffer
	var arguments [][2]string // consecutive ones: name with indentation, value
	flush := func() {
		width := 0
		for _, a := range arguments {
			width = max(width, len(a[0]))
		}
		for _, a := range arguments {
			out.WriteString(a[0] + strings.Repeat(" ", width-len(a[0])) + " = " + a[1])
		}
		arguments = nil
	}
	depth, document := 0, false
	for line := range strings.Lines(string(lines)) {
		text := strings.TrimSuffix(line, "\n")
		comment := strings.HasPrefix(text, "#")
		if document {
			arguments[len(arguments)-1][1] += line
			document = text != documentEnd
			continue
		}
		if strings.HasPrefix(text, "}") || strings.HasPrefix(text, "]") {
			depth--
		}
		indent := strings.Repeat("  ", depth)
		opens := !comment && (strings.HasSuffix(text, "{") || strings.HasSuffix(text, "["))
		name, value, argument := strings.Cut(line, " = ")
		switch {
		case argument && !opens && !comment:
			arguments = append(arguments, [2]string{indent + name, value})
			document = strings.HasSuffix(text, " = <<-"+documentEnd)
			continue
		case opens:
			depth++
		}
		flush()
		if text != "" {
			out.WriteString(indent)
		}
		out.WriteString(line)
	}
	return append(bytes.TrimRight(out.Bytes(), "\n"), '\n')
}
