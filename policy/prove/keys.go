package prove

// fixedKeys are the keys that the credential and the way of the call decide.
var fixedKeys = map[string]bool{
	"aws:multifactorauthpresent": true, "aws:multifactorauthage": true, "aws:tokenissuetime": true,
	"aws:viaawsservice": true, "aws:calledvia": true, "aws:calledviafirst": true, "aws:calledvialast": true,
	"aws:principalarn": true, "aws:principalaccount": true, "aws:principaltype": true, "aws:userid": true, "aws:username": true,
	"aws:principalisawsservice": true, "aws:principalservicename": true, "aws:principalservicenameslist": true,
	"aws:federatedprovider": true, "aws:assumedroot": true, "aws:ec2instancesourcevpc": true, "aws:ec2instancesourceprivateipv4": true,
}

// alwaysPresent are the chosen keys that every request carries.
var alwaysPresent = map[string]bool{"aws:currenttime": true, "aws:epochtime": true, "aws:securetransport": true}
