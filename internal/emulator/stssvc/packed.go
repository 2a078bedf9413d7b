package stssvc

import (
	"bytes"
	"compress/flate"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"forcemfa/internal/emulator/world"
	"forcemfa/policy"
)

// mostPolicies is how many managed policies a session can have.
// Source: STS API Reference, AssumeRole, PolicyArns.
const mostPolicies = 10

// space is the maximum size in bytes of packed policies and tags. AWS publishes
// neither its packing nor the limit, only the used percentage.
const space = 2048

// A parcel holds the session policies and tags of a session.
type parcel struct {
	policies []policy.Source // nil: no session policies, which differs from empty ones
	percent  *int32          // of the space; nil: nothing was packed
}

// pack reads the session policies of a call. Managed policies must be in the
// account of the role or user.
func pack(w *world.World, account string, inline *string, managed []types.PolicyDescriptorType, tags []types.Tag) (parcel, error) {
	var p parcel
	var text bytes.Buffer
	if len(managed) > mostPolicies {
		return p, invalid("1 validation error detected: Value '[%d members]' at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to %d", len(managed), mostPolicies)
	}
	if inline != nil {
		source := w.Parse("session policy", policy.Session, *inline)
		if source.Err != nil {
			return p, &types.MalformedPolicyDocumentException{Message: aws.String(source.Err.Error())}
		}
		p.policies = append(p.policies, source)
		text.WriteString(*inline)
	}
	for _, named := range managed {
		source, err := managedSource(w, account, aws.ToString(named.Arn))
		if err != nil {
			return p, err
		}
		p.policies = append(p.policies, source)
		text.WriteString(*named.Arn)
	}
	for _, t := range tags {
		text.WriteString(aws.ToString(t.Key) + "=" + aws.ToString(t.Value) + "\n")
	}
	return p.measured(text.Bytes())
}

// managedSource returns a managed policy as a session policy.
func managedSource(w *world.World, account, named string) (policy.Source, error) {
	p := w.ManagedPolicy(account, named)
	if p == nil {
		return policy.Source{}, invalid("The policy %s does not exist in account %s", named, account)
	}
	text, ok := p.Document()
	if !ok {
		return policy.Source{}, invalid("The policy %s has no default version", named)
	}
	return w.Parse("session policy "+named, policy.Session, text), nil
}

// measured adds the used percentage of the space.
func (p parcel) measured(text []byte) (parcel, error) {
	if len(text) == 0 {
		return p, nil
	}
	percent := int32((packedSize(text)*100 + space - 1) / space)
	if percent > 100 {
		return p, &types.PackedPolicyTooLargeException{Message: aws.String(fmt.Sprintf(
			"Packed policy and tags consume %d%% of allotted space, please use smaller policy and tags.", percent))}
	}
	p.percent = aws.Int32(percent)
	return p, nil
}

// packers holds reusable compressors: one takes 800 kB.
var packers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestCompression)
	if err != nil {
		panic(err) // only for a level that does not exist
	}
	return w
}}

func packedSize(text []byte) int {
	var packed bytes.Buffer
	w := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	w.Reset(&packed)
	w.Write(text) // a buffer accepts everything
	w.Close()
	return packed.Len()
}
