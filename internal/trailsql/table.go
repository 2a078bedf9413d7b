package trailsql

import (
	"fmt"
	"strings"
	"time"
)

// A Table is a table over the folders of a trail.
type Table struct {
	Database, Name string
	Location       string   // s3://bucket/prefix/AWSLogs or s3://bucket/prefix/AWSLogs/o-…
	Accounts       []string // IDs
	Regions        []string
	First          time.Time // the first day with logs
}

// Create is the DDL of the table: CloudTrail's columns, and a partition for each account,
// Region and day, which are projected and never have to be added.
func (t *Table) Create() string {
	name := "`" + strings.ReplaceAll(t.Name, "`", "") + "`"
	if t.Database != "" {
		name = "`" + strings.ReplaceAll(t.Database, "`", "") + "`." + name
	}
	location := strings.TrimSuffix(t.Location, "/")
	properties := [][2]string{
		{"projection.enabled", "true"},
		{"projection.account.type", "enum"},
		{"projection.account.values", strings.Join(t.Accounts, ",")},
		{"projection.region.type", "enum"},
		{"projection.region.values", strings.Join(t.Regions, ",")},
		{"projection.day.type", "date"},
		{"projection.day.format", "yyyy/MM/dd"},
		{"projection.day.range", t.First.Format(dayFormat) + ",NOW"},
		{"projection.day.interval", "1"},
		{"projection.day.interval.unit", "DAYS"},
		{"storage.location.template", location + "/${account}/CloudTrail/${region}/${day}"},
		{"classification", "cloudtrail"},
	}
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE EXTERNAL TABLE IF NOT EXISTS %s (\n  %s\n)\n", name, strings.Join(columnTypes, ",\n  "))
	b.WriteString("PARTITIONED BY (`account` string, `region` string, `day` string)\n")
	b.WriteString("ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'\n")
	b.WriteString("STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'\n")
	b.WriteString("OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'\n")
	fmt.Fprintf(&b, "LOCATION %s\nTBLPROPERTIES (\n", text(location+"/"))
	for i, p := range properties {
		end := ","
		if i == len(properties)-1 {
			end = ""
		}
		fmt.Fprintf(&b, "  %s = %s%s\n", text(p[0]), text(p[1]), end)
	}
	b.WriteString(")\n")
	return b.String()
}

// columnTypes are the columns of CloudTrail's table that the query reads, with those of
// the documented table that people look at.
// Source: Athena User Guide, "Create a table for CloudTrail logs in Athena using manual
// partitioning".
var columnTypes = []string{
	"`eventversion` string",
	"`useridentity` struct<type:string,principalid:string,arn:string,accountid:string,invokedby:string,accesskeyid:string,username:string,sessioncontext:struct<attributes:struct<mfaauthenticated:string,creationdate:string>,sessionissuer:struct<type:string,principalid:string,arn:string,accountid:string,username:string>>>",
	"`eventtime` string",
	"`eventsource` string",
	"`eventname` string",
	"`awsregion` string",
	"`sourceipaddress` string",
	"`useragent` string",
	"`errorcode` string",
	"`errormessage` string",
	"`requestparameters` string",
	"`responseelements` string",
	"`additionaleventdata` string",
	"`requestid` string",
	"`eventid` string",
	"`readonly` string",
	"`resources` array<struct<arn:string,accountid:string,type:string>>",
	"`eventtype` string",
	"`apiversion` string",
	"`recipientaccountid` string",
	"`sharedeventid` string",
	"`vpcendpointid` string",
	"`eventcategory` string",
}

// Regions are the Regions of a partition, for the projection of a table.
// Source: AWS General Reference, "AWS service endpoints"; a Region that AWS adds later is
// named in --regions.
func Regions(partition string) []string {
	switch partition {
	case "aws-us-gov":
		return []string{"us-gov-east-1", "us-gov-west-1"}
	case "aws-cn":
		return []string{"cn-north-1", "cn-northwest-1"}
	}
	return strings.Fields(`us-east-1 us-east-2 us-west-1 us-west-2 af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3
		ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1
		eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1`)
}
