package orgsvc

import (
	"encoding/base64"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

// largestPage is both the default and the maximum of MaxResults.
// Source: Organizations API Reference, ListAccounts.
const largestPage = 20

// A listing is a list that is returned in pages, in the order of the keys of its
// items. A token names the last returned item.
type listing[T any] struct {
	of    string // the operation and its subject: a token is valid only for them
	items []T
	key   func(T) string
}

// page returns the page after a token. Where pages are smaller than requested, a
// page is sometimes empty although more follows, as AWS allows.
func (l listing[T]) page(r *request, token *string, most *int32) ([]T, *string, error) {
	slices.SortFunc(l.items, func(a, b T) int { return strings.Compare(l.key(a), l.key(b)) })
	last, afterEmpty, ok := l.decode(token)
	if !ok {
		return nil, nil, invalid(types.InvalidInputExceptionReasonInvalidPaginationToken, "You provided an invalid NextToken.")
	}
	rest := l.after(last)
	size, strict := pageSize(r, most)
	if strict && !afterEmpty && len(rest) > 0 && l.comesEmpty(last) {
		return nil, l.encode(last, true), nil
	}
	if len(rest) <= size {
		return rest, nil, nil
	}
	return rest[:size], l.encode(l.key(rest[size-1]), false), nil
}

// after returns the items after a key.
func (l listing[T]) after(last string) []T {
	if last == "" {
		return l.items
	}
	i := slices.IndexFunc(l.items, func(item T) bool { return l.key(item) > last })
	if i < 0 {
		return nil
	}
	return l.items[i:]
}

// pageSize returns the maximum size of a page, and whether it is smaller than
// usual in AWS.
func pageSize(r *request, most *int32) (size int, strict bool) {
	full := largestPage
	if most != nil {
		full = int(*most)
	}
	if r.PageSize == nil {
		return full, false
	}
	size = max(r.PageSize(int(aws.ToInt32(most)), largestPage, largestPage), 1)
	return size, size < full
}

// comesEmpty decides whether an empty page precedes the items after a key: one
// time in three, always the same for the same list.
func (l listing[T]) comesEmpty(last string) bool {
	h := fnv.New32a()
	h.Write([]byte(l.of + "\n" + last))
	return h.Sum32()%3 == 0
}

func (l listing[T]) encode(last string, empty bool) *string {
	mark := "-"
	if empty {
		mark = "e"
	}
	return aws.String(base64.RawURLEncoding.EncodeToString([]byte(l.of + "\n" + mark + "\n" + last)))
}

func (l listing[T]) decode(token *string) (last string, afterEmpty, ok bool) {
	if token == nil {
		return "", false, true
	}
	text, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil {
		return "", false, false
	}
	parts := strings.SplitN(string(text), "\n", 3)
	if len(parts) != 3 || parts[0] != l.of {
		return "", false, false
	}
	return parts[2], parts[1] == "e", true
}
