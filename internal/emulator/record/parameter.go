package record

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"time"

	"forcemfa/internal/trail"
)

// secrets lists the members that CloudTrail removes from its records.
// Source: CloudTrail records of CreateAccessKey, CreateLoginProfile,
// ChangePassword, EnableMFADevice, CreateVirtualMFADevice and of STS, which lack
// them. The session token, which AWS records, is also removed here.
var secrets = map[string]bool{
	"Password": true, "OldPassword": true, "NewPassword": true, "SecretAccessKey": true, "SessionToken": true,
	"AuthenticationCode1": true, "AuthenticationCode2": true, "TokenCode": true, "SerialNumberAndCode": true,
	"Base32StringSeed": true, "QRCodePNG": true, "ServicePassword": true, "ServiceCredentialSecret": true,
	"PrivateKey": true, "AddPrivateKey": true,
	"SAMLAssertion": true, "WebIdentityToken": true, "TradeInToken": true, "EncodedMessage": true, "ResultMetadata": true,
	"SecretString": true, "Environment": true, "TemplateBody": true,
}

// Parameters returns the requestParameters of an input; nil, printed as null,
// for none.
func Parameters(in any) trail.Parameters {
	members, _ := lowered(reflect.ValueOf(in)).(map[string]any)
	if len(members) == 0 {
		return nil
	}
	p := trail.Parameters{}
	for name, value := range members {
		p[name] = Printed(value)
	}
	return p
}

// Elements returns the responseElements of an output; nil for one without
// members.
func Elements(out any) json.RawMessage {
	members, _ := lowered(reflect.ValueOf(out)).(map[string]any)
	if len(members) == 0 {
		return nil
	}
	return Printed(members)
}

// Printed returns a value as JSON; it must be one that marshals.
func Printed(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // lowered returns only values that marshal
	}
	return text
}

// awsTime is the format of times in IAM's records.
const awsTime = "Jan 2, 2006 3:04:05 PM"

// lowered returns an SDK value as written in records: member names with a
// lower-case first letter, without unset members and secrets; nil for an unset
// value.
func lowered(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return lowered(v.Elem())
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t.UTC().Format(awsTime)
		}
		return loweredMembers(v)
	case reflect.Slice:
		return loweredList(v)
	case reflect.Map:
		if v.Len() == 0 {
			return nil
		}
	case reflect.String:
		if v.Len() == 0 {
			return nil
		}
	}
	return v.Interface()
}

func loweredMembers(v reflect.Value) any {
	members := map[string]any{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || secrets[f.Name] || f.Tag.Get("json") == "-" {
			continue
		}
		if f.Anonymous {
			inner, _ := loweredMembers(v.Field(i)).(map[string]any)
			maps.Copy(members, inner)
			continue
		}
		if value := lowered(v.Field(i)); value != nil {
			members[strings.ToLower(f.Name[:1])+f.Name[1:]] = value
		}
	}
	return members
}

func loweredList(v reflect.Value) any {
	if v.Len() == 0 {
		return nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return nil // bytes are not recorded
	}
	list := make([]any, v.Len())
	for i := range list {
		list[i] = lowered(v.Index(i))
	}
	return list
}
