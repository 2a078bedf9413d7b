// Package dynamodbsvc implements the DynamoDB of the embedded AWS: ListTables
// and DeleteTable. Tables are visible in every Region.
package dynamodbsvc

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/smithy-go"

	"forcemfa/internal/emulator/operation"
)

// ListTablesInput and the other structs contain the fields of the API that are
// used here.
type ListTablesInput struct {
	ExclusiveStartTableName *string
	Limit                   *int32
}

// ListTablesOutput is a page of names in alphabetical order.
type ListTablesOutput struct {
	TableNames             []string
	LastEvaluatedTableName *string
}

// DeleteTableInput names the table.
type DeleteTableInput struct {
	TableName *string
}

// DeleteTableOutput describes the table that is being deleted.
type DeleteTableOutput struct {
	TableDescription *TableDescription
}

// A TableDescription describes a table.
type TableDescription struct {
	TableName      *string
	TableArn       *string
	TableStatus    string
	ItemCount      *int64
	TableSizeBytes *int64
}

// Operations returns the table of operations.
func Operations() []operation.Operation {
	return operation.Reaching([]operation.Operation{
		operation.Read("ListTables", askList, listTables),
		operation.Write("DeleteTable", askDelete, deleteTable),
	}, operation.Own)
}

// Source: Service Authorization Reference, DynamoDB: ListTables has no resource.
func askList(*operation.Call, *ListTablesInput) ([]operation.Ask, error) {
	return []operation.Ask{{Action: "dynamodb:ListTables", Resource: "*"}}, nil
}

func listTables(c *operation.Call, in *ListTablesInput) (*ListTablesOutput, error) {
	names := slices.Sorted(maps.Keys(c.World.Account(c.Caller.Account).Tables))
	if in.ExclusiveStartTableName != nil {
		i, found := slices.BinarySearch(names, *in.ExclusiveStartTableName)
		if found {
			i++
		}
		names = names[i:]
	}
	asked := 0
	if in.Limit != nil {
		if asked = int(*in.Limit); asked < 1 || asked > 100 {
			return nil, refuse("ValidationException", "Limit must be from 1 to 100")
		}
	}
	out := &ListTablesOutput{TableNames: names}
	if size := c.PageSize(asked, 100, 100); len(names) > size {
		out.TableNames, out.LastEvaluatedTableName = names[:size], &names[size-1]
	}
	return out, nil
}

func askDelete(c *operation.Call, in *DeleteTableInput) ([]operation.Ask, error) {
	if in.TableName == nil || *in.TableName == "" {
		return nil, refuse("ValidationException", "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null")
	}
	return []operation.Ask{{Action: "dynamodb:DeleteTable", Resource: tableARN(c, *in.TableName)}}, nil
}

func tableARN(c *operation.Call, name string) string {
	return fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/%s", c.World.Partition, c.Region, c.Caller.Account, name)
}

func deleteTable(c *operation.Call, in *DeleteTableInput) (*DeleteTableOutput, error) {
	name := *in.TableName
	if !c.World.Account(c.Caller.Account).Tables[name] {
		return nil, refuse("ResourceNotFoundException", "Requested resource not found: Table: "+name+" not found")
	}
	delete(c.World.Edit(c.Caller.Account).Tables, name)
	table, none := tableARN(c, name), int64(0)
	return &DeleteTableOutput{&TableDescription{
		TableName: &name, TableArn: &table, TableStatus: "DELETING", ItemCount: &none, TableSizeBytes: &none,
	}}, nil
}

func refuse(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
}
