package trail

import (
	"bytes"
	"hash/maphash"
)

// eventIDs makes the hashes of one run.
var eventIDs = maphash.MakeSeed()

// record reads one record into a call. It reads parameters and response of calls
// of IAM and STS only.
func (s *scanner) record(c *Call) error {
	*c, s.unknown = Call{}, false
	parameters, response, more := -1, -1, -1
	err := s.object(func(name []byte) error {
		switch string(name) {
		case "eventVersion": // the minor number changes when members are added
			version, err := s.string()
			s.unknown = !bytes.HasPrefix(version, []byte("1."))
			return err
		case "userIdentity":
			return s.caller(&c.Caller)
		case "requestParameters":
			return s.mark(&parameters)
		case "responseElements":
			return s.mark(&response)
		case "eventID":
			id, err := s.string()
			if len(id) > 0 {
				c.ID = maphash.Bytes(eventIDs, id) | 1
			}
			return err
		case "eventTime":
			return s.time(&c.Time)
		case "tlsDetails":
			c.TLS = true
			return s.skip()
		case "additionalEventData":
			return s.mark(&more)
		}
		if field := c.field(name); field != nil {
			return s.into(field)
		}
		return s.skip()
	})
	if err != nil {
		return err
	}
	if c.SignIn() {
		return s.within(more, fields{{"MFAUsed", &c.MFAUsed}})
	}
	return s.details(c, parameters, response)
}

// field is the field of a call that holds a member of a record as it is.
func (c *Call) field(name []byte) *string {
	switch string(name) {
	case "eventSource":
		return &c.Source
	case "eventName":
		return &c.Name
	case "awsRegion":
		return &c.Region
	case "sourceIPAddress":
		return &c.Address
	case "userAgent":
		return &c.Agent
	case "errorCode":
		return &c.ErrorCode
	case "eventType":
		return &c.EventType
	case "eventCategory":
		return &c.Category
	case "recipientAccountId":
		return &c.Account
	case "vpcEndpointId":
		return &c.VPCE
	}
	return nil
}

// mark skips a value and notes where it starts.
func (s *scanner) mark(start *int) error {
	*start = s.at
	return s.skip()
}

// details reads what a call of IAM or STS acts on and returns.
func (s *scanner) details(c *Call, parameters, response int) error {
	if c.Source != "iam.amazonaws.com" && c.Source != "sts.amazonaws.com" {
		return nil
	}
	p := &c.Parameters
	err := s.within(parameters, fields{{"userName", &p.User}, {"serialNumber", &p.Serial}, {"virtualMFADeviceName", &p.Device}, {"roleArn", &p.Role}, {"externalId", &p.External}})
	if err != nil || response < 0 || c.Source != "sts.amazonaws.com" {
		return err
	}
	end := s.at
	defer func() { s.at = end }()
	s.at = response
	return s.object(func(name []byte) error {
		if string(name) == "credentials" {
			return s.members(fields{{"accessKeyId", &c.SessionKey}})
		}
		return s.skip()
	})
}

// within reads members of an object that starts at a marked place; -1: there is
// none.
func (s *scanner) within(start int, to fields) error {
	if start < 0 {
		return nil
	}
	end := s.at
	defer func() { s.at = end }()
	s.at = start
	return s.members(to)
}

// members reads members of an object that hold strings, and skips the others.
func (s *scanner) members(to fields) error {
	return s.object(func(name []byte) error {
		for _, f := range to {
			if string(name) == f.name {
				return s.into(f.field)
			}
		}
		return s.skip()
	})
}

// fields are the members of an object that are read, and where to.
type fields []struct {
	name  string
	field *string
}

func (s *scanner) caller(c *Caller) error {
	return s.object(func(name []byte) error {
		switch string(name) {
		case "type":
			return s.into(&c.Type)
		case "arn":
			return s.into(&c.ARN)
		case "accountId":
			return s.into(&c.Account)
		case "accessKeyId":
			return s.into(&c.Key)
		case "userName":
			return s.into(&c.User)
		case "invokedBy":
			return s.into(&c.InvokedBy)
		case "sessionContext":
			return s.object(func(name []byte) error { return s.session(c, name) })
		}
		return s.skip()
	})
}

// session reads a member of a sessionContext.
func (s *scanner) session(c *Caller, name []byte) error {
	switch string(name) {
	case "attributes":
		return s.object(func(name []byte) error {
			c.Session = true
			switch string(name) {
			case "mfaAuthenticated":
				return s.into(&c.MFA)
			case "creationDate":
				return s.time(&c.Created)
			}
			return s.skip()
		})
	case "sessionIssuer":
		return s.members(fields{{"type", &c.IssuerType}, {"arn", &c.IssuerARN}})
	}
	return s.skip()
}

// time reads a time such as 2023-07-10T11:42:36Z. Another text gives 0.
func (s *scanner) time(to *int64) error {
	b, err := s.string()
	if err != nil {
		return err
	}
	*to = unixTime(b)
	return nil
}

// unixTime returns the seconds since 1970 of a time in UTC, which all times of
// CloudTrail are, or 0.
func unixTime(b []byte) int64 {
	const layout = "0000-00-00T00:00:00Z"
	if i := bytes.IndexByte(b, '.'); i == len(layout)-1 && b[len(b)-1] == 'Z' {
		b = append(append(make([]byte, 0, len(layout)), b[:i]...), 'Z')
	}
	if len(b) != len(layout) {
		return 0
	}
	for i, c := range []byte(layout) {
		if digit := c == '0'; digit != (b[i] >= '0' && b[i] <= '9') || !digit && b[i] != c {
			return 0
		}
	}
	number := func(from, to int) (n int64) {
		for _, c := range b[from:to] {
			n = n*10 + int64(c-'0')
		}
		return n
	}
	month, day := number(5, 7), number(8, 10)
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return 0
	}
	return days(number(0, 4), month, day)*86400 + number(11, 13)*3600 + number(14, 16)*60 + number(17, 19)
}

// days returns the days from 1970-01-01 to a date of the Gregorian calendar. Years
// begin in March here, so that leap days are last.
func days(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}
