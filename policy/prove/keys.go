package prove

// fixedKeys lists the keys that follow from the credential and the kind of call.
var fixedKeys = map[string]bool{
	"aws:multifactorauthpresent": true, "aws:multifactorauthage": true, "aws:tokenissuetime": true,
	"aws:viaawsservice": true, "aws:calledvia": true, "aws:calledviafirst": true, "aws:calledvialast": true,
	"aws:principalarn": true, "aws:principalaccount": true, "aws:principaltype": true, "aws:userid": true, "aws:username": true,
	"aws:principalisawsservice": true, "aws:principalservicename": true, "aws:principalservicenameslist": true,
	"aws:federatedprovider": true, "aws:assumedroot": true, "aws:ec2instancesourcevpc": true, "aws:ec2instancesourceprivateipv4": true,
}

// alwaysPresent lists the chosen keys that every request has.
var alwaysPresent = map[string]bool{"aws:currenttime": true, "aws:epochtime": true, "aws:securetransport": true}
