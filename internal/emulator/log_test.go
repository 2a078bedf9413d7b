package emulator

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"forcemfa/internal/emulator/world"
	"forcemfa/internal/trail"
)

// A log has reads, data events, refused calls and sign-ins; the Event history has the
// management events among them.
func TestTheLogHasEveryCallAndTheHistoryEveryManagementEvent(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }, History: true})
	editUser(c, "alice", func(u *world.User) { u.Login = &world.Login{Created: made, Password: password} })
	type line struct{ Name, User, Category, Error, ReadOnly string }
	var got []line
	c.OnRecord(func(r *trail.Record) {
		l := line{r.EventName, r.UserIdentity.UserName, r.EventCategory, r.ErrorCode, "write"}
		if r.ReadOnly {
			l.ReadOnly = "read"
		}
		if (r.ResponseElements == nil) == (r.EventName == "CreateUser" || r.EventName == "ConsoleLogin") && r.ErrorCode == "" {
			t.Errorf("the record of %s has the response %s", r.EventName, r.ResponseElements)
		}
		got = append(got, l)
	})
	alice := c.Config(as("alice"), "us-east-1")
	_, _ = iam.NewFromConfig(alice).ListUsers(t.Context(), nil)
	_, _ = iam.NewFromConfig(alice).CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("new")})
	_, _ = s3.NewFromConfig(alice).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("none"), Key: aws.String("none")})
	_, _ = iam.NewFromConfig(c.Config(as("bob"), "us-east-1")).DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: aws.String("new")})
	_, _ = c.SignIn(member, "alice", password, "")
	want := []line{
		{"ListUsers", "alice", "Management", "", "read"},
		{"CreateUser", "alice", "Management", "", "write"},
		{"GetObject", "alice", "Data", got[2].Error, "read"},
		{"DeleteUser", "bob", "Management", "AccessDenied", "write"},
		{"ConsoleLogin", "alice", "Management", "", "write"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	c.OnRecord(nil)
	var names []string
	out, err := cloudtrail.NewFromConfig(alice).LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range out.Events {
		names = append(names, aws.ToString(e.EventName))
	}
	if want := []string{"ConsoleLogin", "DeleteUser", "CreateUser", "ListUsers"}; !slices.Equal(names, want) {
		t.Errorf("Event history %v, want the newest first: %v", names, want)
	}
}

func TestLookupEventsFiltersAndPages(t *testing.T) {
	c := newCloud(t, Options{Clock: func() time.Time { return noon }, History: true})
	client := sts.NewFromConfig(c.Config(as("bob"), "eu-west-1"))
	for range 120 {
		if _, err := client.GetCallerIdentity(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Minute)
	}
	look := func(region string, in cloudtrail.LookupEventsInput) (n int, err error) {
		pages := cloudtrail.NewLookupEventsPaginator(cloudtrail.NewFromConfig(c.Config(as("alice"), region)), &in)
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				return n, err
			}
			n += len(out.Events)
		}
		return n, nil
	}
	by := func(key types.LookupAttributeKey, value string) []types.LookupAttribute {
		return []types.LookupAttribute{{AttributeKey: key, AttributeValue: &value}}
	}
	for _, row := range []struct {
		name, region string
		in           cloudtrail.LookupEventsInput
		want         int
	}{
		{"by user", "eu-west-1", cloudtrail.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyUsername, "bob")}, 120},
		{"by key", "eu-west-1", cloudtrail.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyAccessKeyId, keyOf("bob"))}, 120},
		{"another Region", "us-east-1", cloudtrail.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyUsername, "bob")}, 0},
		{"another user", "eu-west-1", cloudtrail.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyUsername, "carol")}, 0},
		{"part of the time", "eu-west-1", cloudtrail.LookupEventsInput{
			LookupAttributes: by(types.LookupAttributeKeyUsername, "bob"), StartTime: aws.Time(noon), EndTime: aws.Time(noon.Add(10 * time.Minute)),
		}, 11},
	} {
		if got, err := look(row.region, row.in); err != nil || got != row.want {
			t.Errorf("%s: %d events, %v, want %d", row.name, got, err, row.want)
		}
	}
	var token *types.InvalidNextTokenException
	if _, err := look("eu-west-1", cloudtrail.LookupEventsInput{NextToken: aws.String("bm9uZSA1MA==")}); !errors.As(err, &token) {
		t.Errorf("a token of another question: %v", err)
	}
	c.Advance(91 * 24 * time.Hour)
	if n, err := look("eu-west-1", cloudtrail.LookupEventsInput{LookupAttributes: by(types.LookupAttributeKeyUsername, "bob")}); err != nil || n != 0 {
		t.Errorf("after 91 days: %d events, %v", n, err)
	}
}
