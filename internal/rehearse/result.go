package rehearse

import (
	"forcemfa/internal/attack"
	"forcemfa/internal/view"
)

// addResults fills in the results of the attempts.
func addResults(out *view.Rehearsal, before, after, access []attack.Result) {
	out.AttacksBefore, out.AttacksAfter = view.AttackCounts(attack.Count(before)), view.AttackCounts(attack.Count(after))
	worked := attack.Count(access)
	out.ExpectedAccess = view.AccessCounts{Tried: worked.Tried, Worked: worked.Succeeded}
	out.AttackScenarios = attackScenarios(before, after)
	out.AccessScenarios = accessScenarios(access)
	out.NotRefused = unexpected(after, attack.Refused)
	out.NotWorking = unexpected(access, attack.Succeeded)
}

func attackScenarios(before, after []attack.Result) []view.AttackScenario {
	succeededBefore, triedBefore := byScenario(before)
	succeeded, tried := byScenario(after)
	rows := []view.AttackScenario{}
	for i := range attack.Attacks {
		s := &attack.Attacks[i]
		rows = append(rows, view.AttackScenario{
			Name: s.Name, Title: s.Title, Why: s.Why, TriedBefore: triedBefore[s.Name], Tried: tried[s.Name], SucceededBefore: succeededBefore[s.Name], Succeeded: succeeded[s.Name],
		})
	}
	return rows
}

func accessScenarios(results []attack.Result) []view.AccessScenario {
	worked, tried := byScenario(results)
	rows := []view.AccessScenario{}
	for i := range attack.ExpectedAccess {
		s := &attack.ExpectedAccess[i]
		rows = append(rows, view.AccessScenario{Name: s.Name, Title: s.Title, Why: s.Why, Tried: tried[s.Name], Worked: worked[s.Name]})
	}
	return rows
}

// byScenario counts how often each scenario was tried and succeeded.
func byScenario(results []attack.Result) (succeeded, tried map[string]int) {
	succeeded, tried = map[string]int{}, map[string]int{}
	for _, r := range results {
		tried[r.Scenario.Name]++
		if r.Outcome == attack.Succeeded {
			succeeded[r.Scenario.Name]++
		}
	}
	return succeeded, tried
}

// unexpected are the results with another outcome than expected.
func unexpected(results []attack.Result, want attack.Outcome) []view.UnexpectedOutcome {
	list := []view.UnexpectedOutcome{}
	for _, r := range results {
		if r.Outcome != want {
			u := r.Subject.User
			list = append(list, view.UnexpectedOutcome{
				Scenario: r.Scenario.Name, Account: u.Account, User: u.Name, Target: r.Target, Outcome: r.Outcome.String(), Answer: r.Why,
			})
		}
	}
	return list
}
