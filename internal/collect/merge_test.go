package collect

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"forcemfa/internal/emulator"
	"forcemfa/internal/org"
)

// A listed key takes the known data of the key with its ID, and of no other one. The time of a key that the report
// names only identifies it if the ID is not known.
func TestAListedKeyKeepsWhatIsKnownAboutIt(t *testing.T) {
	known := []org.AccessKey{{ID: "AKIAFIRST", Slot: 1, Created: ago(9)}, {ID: "AKIASECOND", Slot: 2, Created: ago(5)}, {Slot: 3, Created: ago(1)}}
	for _, row := range []struct {
		id      string
		created int
		slot    int
	}{
		{"AKIAFIRST", 9, 1}, {"AKIASECOND", 4, 2}, {"AKIATHIRD", 1, 3}, {"AKIAOTHER", 5, 0}, {"AKIAOTHER", 7, 0},
	} {
		listed := types.AccessKeyMetadata{AccessKeyId: aws.String(row.id), CreateDate: ago(row.created), Status: types.StatusTypeActive}
		if k := merge(known, listed); k.Slot != row.slot || k.ID != row.id || !k.Active || !k.Created.Equal(*ago(row.created)) {
			t.Errorf("%s of %d days ago: %+v, want slot %d", row.id, row.created, k, row.slot)
		}
	}
}

// IAM leaves out when a role was last used if it never was.
func TestARoleThatWasNeverUsedHasNoTime(t *testing.T) {
	r := &reader{to: &org.Account{}}
	d := types.RoleDetail{RoleName: aws.String("Fresh"), AssumeRolePolicyDocument: aws.String(everything)}
	if role := r.role(d); role.Name != "Fresh" || role.Used != nil {
		t.Errorf("%+v", role)
	}
	d.RoleLastUsed = &types.RoleLastUsed{LastUsedDate: ago(2)}
	if role := r.role(d); role.Used == nil || !role.Used.Equal(*ago(2)) {
		t.Errorf("%+v", role)
	}
}

// The caller of each account that was entered is recorded, because guards protect it; of others there is none.
func TestTheCallerOfEachEnteredAccountIsRecorded(t *testing.T) {
	t.Parallel()
	header, accounts := company()
	for _, a := range collectAll(t, newStand(t, header, accounts, emulator.Options{})) {
		entered := a.ID != invited && a.ID != suspended
		if entered != strings.Contains(a.Caller, "::"+a.ID+":") {
			t.Errorf("account %s: caller %q", a.ID, a.Caller)
		}
	}
}
