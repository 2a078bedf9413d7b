// Package trailsql writes the SQL with which Athena folds a CloudTrail log to the
// distinct calls that package impact replays, and reads the rows of its answer.
//
// The table has the columns of CloudTrail's documented table and partition projection on
// account, Region and day. One SELECT scans it once: grouping sets give the distinct
// calls and the sets that are evidence, each with count, first and last
// time. It uses only functions that Trino and DuckDB both have.
// Sources: Athena User Guide, "Create a table for CloudTrail logs in Athena using
// partition projection"; Trino documentation, "SELECT", GROUPING SETS.
package trailsql

import (
	"fmt"
	"strings"
	"time"
)

// A Query says what is selected.
type Query struct {
	Database, Table string
	Accounts        []string  // IDs; empty: all of the table
	Regions         []string  // empty: all of the table
	First           time.Time // of the calls; zero: no limit
	Last            time.Time // the last day; zero: no limit
	// Address, Agent and VPCE are set if the planned policies look at them.
	Address, Agent, VPCE bool
	MaxAge               int64 // seconds since MFA that planned policies accept; 0: any
}

// Quote is a name as an identifier of SQL.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// text is a string as a literal of SQL.
func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// columns are the columns of the answer, in the order in which [Parse] expects them.
var columns = []string{
	"k", "acct", "region", "day", "data", "owner", "key", "source", "name", "param_user", "param_device", "address", "agent_seen", "vpce", "state",
	"e_owner", "e_key", "agent", "network", "mfa_used", "hour", "start_key", "start_role", "role_key", "child_key",
}

// sets are the grouping sets: what each is for, and its columns.
var sets = []struct {
	use     string
	columns string
}{
	{"totals", "k"},
	{"days with records", "k, acct, region, day, data"},
	{"distinct calls", "k, owner, key, source, name, region, param_user, param_device, address, agent_seen, vpce, state"},
	{"programs", "k, e_owner, e_key, agent"},
	{"networks", "k, e_owner, e_key, network, mfa_used"},
	{"hours of the day", "k, e_owner, e_key, hour"},
	{"days of use", "k, e_owner, e_key, day"},
	{"role sessions that users start", "k, owner, key, start_key, start_role"},
	{"calls of role sessions", "k, role_key"},
	{"roles that role sessions assume", "k, role_key, child_key"},
}

// Select is the SELECT over the table of [Table.Create].
func (q *Query) Select() string {
	var b strings.Builder
	fmt.Fprintf(&b, "WITH records AS (\n%s\n),\nowned AS (\n%s\n),\nclassified AS (\n%s\n),\ncalls AS (\n%s\n)\n", q.records(), ownedText, q.classified(), q.calls())
	b.WriteString("SELECT\n")
	for _, c := range columns {
		fmt.Fprintf(&b, "  coalesce(%s, '') AS r_%s,\n", c, c)
	}
	fmt.Fprintf(&b, "  grouping(%s) AS r_level,\n", strings.Join(columns, ", "))
	b.WriteString("  count(DISTINCT event_id) + sum(CASE WHEN event_id IS NULL THEN 1 ELSE 0 END) AS r_calls,\n")
	b.WriteString("  count(*) AS r_delivered,\n  min(event_time) AS r_first,\n  max(event_time) AS r_last\nFROM calls\nGROUP BY GROUPING SETS (\n")
	for i, s := range sets {
		end := ","
		if i == len(sets)-1 {
			end = ""
		}
		fmt.Fprintf(&b, "  (%s)%s -- %s\n", s.columns, end, s.use)
	}
	b.WriteString(")\n-- calls without a user are in no set of users, and so on\n")
	b.WriteString("HAVING coalesce(owner, '-') <> '' AND coalesce(e_owner, '-') <> ''\n  AND coalesce(start_key, '-') <> '' AND coalesce(role_key, '-') <> '' AND coalesce(child_key, '-') <> ''\n")
	return b.String()
}

// records names the members of a record that are used.
func (q *Query) records() string {
	return strings.TrimRight(`  SELECT
    nullif(eventid, '') AS event_id,
    eventtime AS event_time,
    coalesce(eventtype, '') AS event_type,
    coalesce(eventcategory, '') AS category,
    coalesce(eventsource, '') AS source,
    coalesce(eventname, '') AS name,
    coalesce(awsregion, '') AS region,
    coalesce(sourceipaddress, '') AS ip,
    coalesce(useragent, '') AS agent,
    coalesce(errorcode, '') AS error,
    coalesce(vpcendpointid, '') AS vpce,
    coalesce(nullif(recipientaccountid, ''), useridentity.accountid, '') AS acct,
    coalesce(useridentity.type, '') AS caller,
    coalesce(useridentity.arn, '') AS caller_arn,
    coalesce(useridentity.accountid, '') AS caller_account,
    coalesce(useridentity.username, '') AS caller_name,
    coalesce(useridentity.accesskeyid, '') AS caller_key,
    coalesce(useridentity.invokedby, '') AS invoked_by,
    coalesce(useridentity.sessioncontext.attributes.mfaauthenticated, '') AS mfa,
    coalesce(useridentity.sessioncontext.attributes.creationdate, '') AS session_began,
    coalesce(useridentity.sessioncontext.sessionissuer.type, '') AS issuer,
    coalesce(useridentity.sessioncontext.sessionissuer.arn, '') AS issuer_arn,
    coalesce(requestparameters, '') AS parameters,
    coalesce(responseelements, '') AS response,
    coalesce(additionaleventdata, '') AS more
  FROM `, "\n") + q.from()
}

func (q *Query) from() string {
	name := Quote(q.Table)
	if q.Database != "" {
		name = Quote(q.Database) + "." + name
	}
	var where []string
	list := func(column string, values []string) {
		if len(values) > 0 {
			quoted := make([]string, len(values))
			for i, v := range values {
				quoted[i] = text(v)
			}
			where = append(where, Quote(column)+" IN ("+strings.Join(quoted, ", ")+")")
		}
	}
	list("account", q.Accounts)
	list("region", q.Regions)
	if !q.First.IsZero() {
		where = append(where, Quote("day")+" >= "+text(q.First.UTC().Format(dayFormat)), "eventtime >= "+text(q.First.UTC().Format(time.RFC3339)))
	}
	if !q.Last.IsZero() {
		where = append(where, Quote("day")+" <= "+text(q.Last.Format(dayFormat)), "eventtime < "+text(q.Last.AddDate(0, 0, 1).Format(time.DateOnly)))
	}
	if len(where) == 0 {
		return name
	}
	return name + "\n  WHERE " + strings.Join(where, "\n    AND ")
}

// dayFormat is the folder of a day in CloudTrail's layout.
const dayFormat = "2006/01/02"

// ownedText adds the user behind a record, as impact does.
const ownedText = `  SELECT *,
    CASE
      WHEN caller = 'IAMUser' AND caller_arn = '' AND caller_account <> '' AND caller_name <> '' THEN concat('arn:aws:iam::', caller_account, ':user/', caller_name)
      WHEN caller = 'IAMUser' THEN caller_arn
      WHEN caller = 'FederatedUser' AND issuer = 'IAMUser' THEN issuer_arn
      ELSE ''
    END AS user_arn
  FROM records`

// classified adds what a record is, its state and what it names.
func (q *Query) classified() string {
	old := "0"
	if q.MaxAge > 0 {
		old = fmt.Sprintf("CASE WHEN mfa = 'true' AND length(session_began) >= 19 AND date_diff('second', %s, %s) > %d THEN %d ELSE 0 END", stamp("session_began"), stamp("event_time"), q.MaxAge, Old)
	}
	return fmt.Sprintf(classifiedText, WithMFA, Session, Forwarded, refusedPattern, Refused, Federated, old)
}

// stamp is a time of a record as a timestamp.
func stamp(column string) string {
	return "CAST(replace(substr(" + column + ", 1, 19), 'T', ' ') AS timestamp)"
}

// refusedPattern is trail.Call.Refused.
const refusedPattern = `^(Client[.])?(AccessDenied.*|UnauthorizedOperation.*|NotAuthorized.*|AuthorizationError.*|UnauthorizedAccess|Forbidden)$`

const classifiedText = `  SELECT *,
    CASE
      WHEN event_type = 'AwsConsoleSignIn' THEN 'sign-in'
      WHEN category = 'Insight' OR event_type = 'AwsServiceEvent' THEN 'other'
      WHEN caller = 'AssumedRole' THEN 'role'
      WHEN user_arn = '' THEN 'other'
      ELSE 'user'
    END AS kind,
    CASE WHEN mfa = 'true' THEN %d ELSE 0 END AS with_mfa,
    CASE WHEN mfa <> '' OR session_began <> '' THEN %d ELSE 0 END AS in_session,
    CASE WHEN invoked_by <> '' THEN %d ELSE 0 END AS forwarded,
    CASE WHEN coalesce(regexp_extract(error, '%s'), '') <> '' THEN %d ELSE 0 END AS refused,
    CASE WHEN caller = 'FederatedUser' THEN %d ELSE 0 END AS federated,
    %s AS old_mfa,
    CASE WHEN source = 'sts.amazonaws.com' THEN coalesce(regexp_extract(response, '"credentials"\s*:\s*[{][^}]*"accessKeyId"\s*:\s*"([^"\\]*)"', 1), '') ELSE '' END AS session_key,
    coalesce(regexp_extract(ip, '^[0-9]+[.][0-9]+[.][0-9]+[.]'), '') AS ip_start
  FROM owned`

// calls keeps of each record the columns of the sets that it belongs to.
func (q *Query) calls() string {
	keep := func(column string, wanted bool) string {
		if !wanted {
			return "''"
		}
		return column
	}
	return fmt.Sprintf(callsText, keep("ip", q.Address), keep("agent", q.Agent), keep("vpce", q.VPCE))
}

const callsText = `  SELECT
    event_id, event_time, kind AS k, acct, region, source, name,
    substr(event_time, 1, 10) AS day,
    CASE WHEN category = 'Data' THEN 'true' ELSE 'false' END AS data,
    CASE WHEN kind = 'user' THEN user_arn ELSE '' END AS owner,
    caller_key AS key,
    CASE WHEN source = 'iam.amazonaws.com' THEN coalesce(regexp_extract(parameters, '"userName"\s*:\s*"([^"\\]*)"', 1), '') ELSE '' END AS param_user,
    CASE WHEN source = 'iam.amazonaws.com' THEN coalesce(regexp_extract(parameters, '"virtualMFADeviceName"\s*:\s*"([^"\\]*)"', 1), '') ELSE '' END AS param_device,
    %s AS address, %s AS agent_seen, %s AS vpce,
    CAST(with_mfa + in_session + forwarded + refused + federated + old_mfa AS varchar) AS state,
    CASE WHEN kind = 'user' AND forwarded = 0 OR kind = 'sign-in' THEN user_arn ELSE '' END AS e_owner,
    CASE WHEN kind = 'user' THEN caller_key ELSE '' END AS e_key,
    CASE WHEN kind = 'user' THEN agent ELSE '' END AS agent,
    CASE WHEN ip_start <> '' THEN concat(ip_start, '0') ELSE ip END AS network,
    CASE WHEN kind = 'sign-in' THEN coalesce(regexp_extract(more, '"MFAUsed"\s*:\s*"([^"\\]*)"', 1), '') ELSE '' END AS mfa_used,
    substr(event_time, 12, 2) AS hour,
    CASE WHEN kind = 'user' AND substr(name, 1, 10) = 'AssumeRole' AND with_mfa + refused + forwarded = 0 THEN session_key ELSE '' END AS start_key,
    CASE WHEN kind = 'user' THEN coalesce(regexp_extract(parameters, '"roleArn"\s*:\s*"([^"\\]*)"', 1), '') ELSE '' END AS start_role,
    CASE WHEN kind = 'role' THEN caller_key ELSE '' END AS role_key,
    CASE WHEN kind = 'role' THEN session_key ELSE '' END AS child_key
  FROM classified`
