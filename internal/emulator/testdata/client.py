"""Every paginator and waiter of IAM and Organizations, and exceptions by class.

A line of the output is a deviation; the last line counts what was tried.
"""
import json, random, string
import boto3

iam, sts, org = boto3.client("iam"), boto3.client("sts"), boto3.client("organizations")
account = sts.get_caller_identity()["Account"]
allow = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})
trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}]})


def say(*words):
    print(*words)


# Two or more of everything that a list can have.
arns = []
for n in "abc":
    iam.create_user(UserName="p" + n, Tags=[{"Key": k, "Value": "v"} for k in "xyz"])
    iam.create_group(GroupName="p" + n)
    iam.create_role(RoleName="p" + n, AssumeRolePolicyDocument=trust, Tags=[{"Key": k, "Value": "v"} for k in "xyz"])
    iam.create_instance_profile(InstanceProfileName="p" + n, Tags=[{"Key": k, "Value": "v"} for k in "xyz"])
    arns.append(iam.create_policy(PolicyName="p" + n, PolicyDocument=allow, Tags=[{"Key": k, "Value": "v"} for k in "xyz"])["Policy"]["Arn"])
    iam.create_virtual_mfa_device(VirtualMFADeviceName="p" + n, Tags=[{"Key": k, "Value": "v"} for k in "xyz"])
for n in "abc":
    iam.add_user_to_group(UserName="pa", GroupName="p" + n)
    iam.add_user_to_group(UserName="p" + n, GroupName="pa") if n != "a" else None
    iam.put_user_policy(UserName="pa", PolicyName=n, PolicyDocument=allow)
    iam.put_group_policy(GroupName="pa", PolicyName=n, PolicyDocument=allow)
    iam.put_role_policy(RoleName="pa", PolicyName=n, PolicyDocument=allow)
    iam.attach_user_policy(UserName="p" + n, PolicyArn=arns[0])
for arn in arns:
    iam.attach_user_policy(UserName="pa", PolicyArn=arn)
    iam.attach_group_policy(GroupName="pa", PolicyArn=arn)
    iam.attach_role_policy(RoleName="pa", PolicyArn=arn)
for _ in range(2):
    iam.create_access_key(UserName="pa")
    iam.create_policy_version(PolicyArn=arns[0], PolicyDocument=allow)
iam.add_role_to_instance_profile(InstanceProfileName="pa", RoleName="pa")
iam.add_role_to_instance_profile(InstanceProfileName="pb", RoleName="pa")
scps = [org.create_policy(Name="s" + n, Description="", Content=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}), Type="SERVICE_CONTROL_POLICY", Tags=[{"Key": k, "Value": "v"} for k in "xyz"])["Policy"]["PolicySummary"]["Id"] for n in "abc"]
root = org.list_roots()["Roots"][0]["Id"]
units = [org.create_organizational_unit(ParentId=root, Name="u" + n)["OrganizationalUnit"]["Id"] for n in "abc"]
for id in scps:
    org.attach_policy(PolicyId=id, TargetId=units[0])
for unit in units:
    org.attach_policy(PolicyId=scps[0], TargetId=unit) if unit != units[0] else None

arguments = {
    "PolicyArn": arns[0], "UserName": "pa", "GroupName": "pa", "RoleName": "pa", "InstanceProfileName": "pa", "PolicyName": "a",
    "SerialNumber": f"arn:aws:iam::{account}:mfa/pa", "PolicySourceArn": f"arn:aws:iam::{account}:user/pa", "ActionNames": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
    "PolicyInputList": [allow], "ParentId": root, "PolicyId": scps[0], "TargetId": units[0], "ResourceId": scps[0], "Filter": "SERVICE_CONTROL_POLICY",
    "ChildId": units[0], "ChildType": "ORGANIZATIONAL_UNIT", "AccountId": account, "Arn": f"arn:aws:iam::{account}:user/pa",
}
# What cannot be called with these arguments, and why.
left_out = {
    "organizations:list_delegated_services_for_account": "the account is no delegated administrator",
    "organizations:list_accounts_with_invalid_effective_policy": "service control policies have no effective policy",
    "organizations:list_effective_policy_validation_errors": "service control policies have no effective policy",
    "iam:list_server_certificate_tags": "there is no certificate", "iam:list_saml_provider_tags": "there is no provider",
    "iam:list_open_id_connect_provider_tags": "there is no provider",
}
tried = {"paginators": 0, "waiters": 0, "exceptions": 0, "longest": 0}
for name, client in (("iam", iam), ("organizations", org)):
    for method, operation in sorted(client.meta.method_to_api_mapping.items()):
        if not client.can_paginate(method) or left_out.get(f"{name}:{method}"):
            continue
        shape = client.meta.service_model.operation_model(operation).input_shape
        given = {m: arguments[m] for m in shape.required_members if m in arguments}
        if name == "organizations" and "PolicyType" in shape.required_members:
            given["PolicyType"] = "SERVICE_CONTROL_POLICY"
        pages = client.get_paginator(method)
        keys = [k.expression for k in pages.result_keys]
        try:
            whole = {k: v for k, v in pages.paginate(**given).build_full_result().items() if k in keys}
            small = {"PageSize": 1} if pages._limit_key else {}  # a list without sizes of pages has one size
            single = {k: v for k, v in pages.paginate(**given, PaginationConfig=small).build_full_result().items() if k in keys}
        except Exception as e:
            say(f"{name}:{method}: {type(e).__name__}: {e}")
            continue
        tried["paginators"] += 1
        count = max([len(v) for v in whole.values() if isinstance(v, list)] or [0])
        tried["longest"] = max(tried["longest"], count)
        if whole != single:
            say(f"{name}:{method}: pages of one are another list")
    for waiter in client.waiter_names:
        w = client.get_waiter(waiter)
        shape = client.meta.service_model.operation_model(w.config.operation).input_shape
        given = {m: arguments[m] for m in shape.required_members or ["UserName"]}
        w.wait(**given, WaiterConfig={"Delay": 0, "MaxAttempts": 2})
        tried["waiters"] += 1
        for m in given:
            given[m] = given[m].replace("pa", "none")
        try:
            w.wait(**given, WaiterConfig={"Delay": 0, "MaxAttempts": 2})
            say(f"{name}: waiter {waiter} finds what is not there")
        except Exception as e:
            if type(e).__name__ != "WaiterError":
                say(f"{name}: waiter {waiter}: {e!r}")


def raises(client, kind, method, **given):
    tried["exceptions"] += 1
    try:
        getattr(client, method)(**given)
        say(f"{method}: no {kind}")
    except getattr(client.exceptions, kind):
        pass
    except Exception as e:
        say(f"{method}: {e!r}, want {kind}")


raises(iam, "NoSuchEntityException", "get_user", UserName="none")
raises(iam, "EntityAlreadyExistsException", "create_user", UserName="PA")
raises(iam, "DeleteConflictException", "delete_user", UserName="pa")
raises(iam, "LimitExceededException", "create_access_key", UserName="pa")
raises(iam, "MalformedPolicyDocumentException", "create_policy", PolicyName="x", PolicyDocument="{}")
raises(iam, "InvalidAuthenticationCodeException", "enable_mfa_device", UserName="pa", SerialNumber=arguments["SerialNumber"], AuthenticationCode1="000000", AuthenticationCode2="000001")
raises(iam, "InvalidInputException", "add_client_id_to_open_id_connect_provider", OpenIDConnectProviderArn="arn:aws:iam::" + account + ":oidc-provider/none.example", ClientID="")if False else None
raises(iam, "NoSuchEntityException", "get_login_profile", UserName="pa")
iam.update_account_password_policy(MinimumPasswordLength=20)
raises(iam, "PasswordPolicyViolationException", "create_login_profile", UserName="pa", Password="short")
raises(sts, "MalformedPolicyDocumentException", "get_federation_token", Name="xx", Policy="{}")
letters = random.Random(1)
actions = ["s3:" + "".join(letters.choices(string.ascii_letters, k=28)) for _ in range(56)]
raises(sts, "PackedPolicyTooLargeException", "get_federation_token", Name="xx", Policy=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}, separators=(",", ":")), Tags=[{"Key": "".join(letters.choices(string.ascii_letters, k=120)), "Value": "".join(letters.choices(string.ascii_letters, k=250))} for _ in range(10)])
raises(org, "AccountNotFoundException", "describe_account", AccountId="999999999999")
raises(org, "PolicyNotFoundException", "describe_policy", PolicyId="p-none0000")
raises(org, "DuplicatePolicyAttachmentException", "attach_policy", PolicyId=scps[0], TargetId=units[0])
raises(org, "DuplicateOrganizationalUnitException", "create_organizational_unit", ParentId=root, Name="ua")
raises(org, "ParentNotFoundException", "create_organizational_unit", ParentId="r-none", Name="x")
raises(org, "TargetNotFoundException", "attach_policy", PolicyId=scps[0], TargetId="ou-none-11111111")
raises(org, "PolicyInUseException", "delete_policy", PolicyId=scps[0])
raises(org, "AlreadyInOrganizationException", "create_organization")
say(json.dumps(tried))
