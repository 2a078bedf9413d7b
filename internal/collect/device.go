package collect

import (
	"context"
	"slices"
	"strings"

	"forcemfa/internal/org"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// virtualDevices holds the virtual MFA devices of an account. AWS lists no other
// kind of device for a whole account.
type virtualDevices struct {
	read bool
	of   map[string][]org.Device // by user name
	root bool                    // the root user has a virtual device
}

// virtualDevices reads assigned and unassigned devices in one list. An
// incomplete list counts as unread.
func (r *reader) virtualDevices(ctx context.Context) virtualDevices {
	all := virtualDevices{of: map[string][]org.Device{}}
	var unassigned []org.Device
	pages := iam.NewListVirtualMFADevicesPaginator(r.iam, &iam.ListVirtualMFADevicesInput{
		AssignmentStatus: types.AssignmentStatusTypeAny,
		MaxItems:         aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			r.gap("iam:ListVirtualMFADevices", err)
			return virtualDevices{}
		}
		for _, d := range page.VirtualMFADevices {
			serial := aws.ToString(d.SerialNumber)
			device := org.Device{Serial: serial, Kind: org.DeviceKindOf(serial), Enabled: d.EnableDate}
			switch name, root := ownerOf(d.User); {
			case root:
				all.root = true
			case name != "":
				all.of[name] = append(all.of[name], device)
			default:
				unassigned = append(unassigned, device)
			}
		}
	}
	all.read = true
	r.to.Unassigned = unassigned
	return all
}

// ownerOf returns the name of the user, or root for the root user, whose ARN
// ends in :root and whose name may be missing.
func ownerOf(u *types.User) (name string, root bool) {
	if u == nil {
		return "", false
	}
	if strings.HasSuffix(aws.ToString(u.Arn), ":root") {
		return "", true
	}
	if u.UserName != nil {
		return *u.UserName, false
	}
	arn := aws.ToString(u.Arn)
	return arn[strings.LastIndexByte(arn, '/')+1:], false
}

// devices reads all MFA devices of one user.
func (r *reader) devices(ctx context.Context, user string) ([]org.Device, error) {
	var devices []org.Device
	pages := iam.NewListMFADevicesPaginator(r.iam, &iam.ListMFADevicesInput{UserName: &user})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range page.MFADevices {
			serial := aws.ToString(d.SerialNumber)
			devices = append(devices, org.Device{Serial: serial, Kind: org.DeviceKindOf(serial), Enabled: d.EnableDate})
		}
	}
	slices.SortFunc(devices, func(a, b org.Device) int { return strings.Compare(a.Serial, b.Serial) })
	return devices, nil
}
