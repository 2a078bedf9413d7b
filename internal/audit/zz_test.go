package audit_test
import ("testing";"fmt";"time";"context";"forcemfa/internal/audit";"forcemfa/internal/baseline";"forcemfa/internal/org";"forcemfa/internal/emulator/sample")
type pr struct{}
func (pr) User(u audit.User){ w := ""; if u.Witness!=nil {w=u.Witness.String()+" BY "+u.Witness.AllowedBy}; fmt.Println(u.Account,u.Name,u.State,u.Latent,w,u.Why,u.Exemption)}
func (pr) Finding(f audit.Finding){fmt.Println("   ",f.Severity,f.ID,"|",f.What)}
func (pr) Gap(g org.Gap){fmt.Println(g)}
func (pr) Account(a audit.Account){fmt.Println(a)}
func TestZZ(t *testing.T){
 b, err := baseline.Parse("forcemfa.yaml", sample.Config()); if err!=nil {t.Fatal(err)}
 h, as := sample.Organization()
 st := time.Now()
 c, err := audit.Run(context.Background(), &h, func(y func(*org.Account, error) bool){ for i := range as { as[i].Sort(); if !y(&as[i],nil) {return} } }, b, time.Date(2026,11,2,10,0,0,0,time.UTC), pr{})
 fmt.Println(c, err, time.Since(st))
}
