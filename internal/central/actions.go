package central

// Actions are the calls of a [Run] with its own rights, except notifications: it lists the
// accounts, enters them, and keeps results in S3. In an account it makes the calls of
// reconcile.Actions by the role there. Sorted.
var Actions = []string{
	"organizations:DescribeOrganization",
	"organizations:ListAccounts",
	"s3:GetObject",
	"s3:ListBucket",
	"s3:PutObject",
	"sts:AssumeRole",
}
