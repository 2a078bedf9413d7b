package doctor

import (
	"forcemfa/internal/awsfile"
	"forcemfa/internal/session"
)

// checkSource checks that a role profile has a source of credentials.
func (e *examination) checkSource(p awsfile.Profile) {
	role, ok := p.Setting("role_arn")
	if !ok {
		e.checkAlias(p)
		return
	}
	if s, ok := p.Setting("credential_process"); ok {
		e.add("profile", Broken, s.Origin.String(), "profile "+p.Name+": SDKs ignore credential_process in a profile with a role_arn", run("configure", e.baseOf(p))+": it moves credential_process to a profile of its own, which becomes the source_profile")
	}
	source, ok := p.Setting("source_profile")
	if !ok {
		if p.Get("credential_source") == "" && p.Get("web_identity_token_file") == "" && !p.LongLivedKey() {
			e.add("profile", Broken, role.Origin.String(), "profile "+p.Name+" has a role_arn and no credentials to assume it with", "add source_profile = NAME, naming the profile with the key")
		}
		return
	}
	if s, ok := p.Setting("credential_source"); ok {
		e.add("profile", Broken, s.Origin.String(), "profile "+p.Name+" has both source_profile and credential_source: the AWS CLI and SDKs refuse it", "delete one of the two lines")
	}
	if !e.files.Has(source.Value) {
		e.add("profile", Broken, source.Origin.String(), "profile "+p.Name+": source_profile "+source.Value+" is in neither file", "name an existing profile")
		return
	}
	if circle := e.circle(p); circle != "" {
		e.add("profile", Broken, source.Origin.String(), "source_profile settings form a loop: "+circle, "set source_profile of one of them to a profile with a key")
	}
}

// checkAlias reports a profile that is another name of its source_profile, which only
// forcemfa and aws-vault know.
func (e *examination) checkAlias(p awsfile.Profile) {
	if !session.IsAlias(p) {
		return
	}
	source, _ := p.Setting("source_profile")
	if !e.files.Has(source.Value) {
		e.add("profile", Broken, source.Origin.String(), "profile "+p.Name+": source_profile "+source.Value+" is in neither file", "name an existing profile")
		return
	}
	e.add("profile", Risk, source.Origin.String(), "profile "+p.Name+": AWS tools read source_profile only with a role_arn, so that they find no credentials",
		"use profile "+source.Value+" with them, or add credential_process = "+awsfile.Helper+" --profile "+awsfile.Word(p.Name))
}
