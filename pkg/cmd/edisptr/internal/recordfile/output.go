package recordfile

import "strings"

// outputServer is what edisptr prints of a server as JSON.
type outputServer struct {
	kvmID   string
	at      position
	failed  bool // its records are not known
	records []outputRecord
}

// outputRecord is what edisptr prints of a record as JSON.
type outputRecord struct {
	kvmID, ip, name, state string
	at                     position
}

// outputServers reads a list of servers.
func (r *mapReader) outputServers() {
	for start := range r.elements() {
		server := outputServer{at: start.at}
		for key, value := range r.members() {
			switch {
			case key.text == "records" && value.kind == listStart:
				r.outputRecords(&server)
			case key.text == "kvm_id" && value.kind == scalar:
				server.kvmID = value.text
			case key.text == "plan":
				r.failOnly(key.at, "is what apply prints, not a list of records; use the output of list")
			default:
				server.failed = server.failed || key.text == "error" && value.text != ""
				r.skip(value)
			}
		}
		r.addServer(server)
	}
}

// elements returns the starts of the objects that the list consists of. The caller reads
// the rest of each.
func (r *mapReader) elements() func(yield func(token) bool) {
	return func(yield func(token) bool) {
		for element := r.tokens.next(); element.kind != listEnd && element.kind != documentEnd; element = r.tokens.next() {
			switch {
			case r.errors.stopped:
				return
			case element.kind != objectStart:
				r.fail(element.at, element.text, "not an object, as list prints it with -o json")
				r.skip(element)
			case !yield(element):
				return
			}
		}
	}
}

// outputRecords reads a list of records. They are added later, when the server is known.
func (r *mapReader) outputRecords(server *outputServer) {
	for start := range r.elements() {
		if !r.fits() {
			return
		}
		record := outputRecord{at: start.at}
		for key, value := range r.members() {
			switch {
			case value.kind != scalar:
				r.skip(value)
			case key.text == "ip":
				record.ip = value.text
			case key.text == "name":
				record.name = value.text
			case key.text == "state":
				record.state = value.text
			case key.text == "kvm_id":
				record.kvmID = value.text
			}
		}
		server.records = append(server.records, record)
	}
}

// addServer adds the records of a server. A server that could not be listed is not covered.
func (r *mapReader) addServer(server outputServer) {
	switch {
	case server.failed:
		r.note(noteFailedList, server.at, server.kvmID)
	case r.isOutput && (server.kvmID != "" || len(server.records) > 0):
		r.nameServer(server.at, server.kvmID)
	}
	for _, record := range server.records {
		if record.kvmID != "" {
			r.nameServer(record.at, record.kvmID)
		} else {
			record.kvmID = server.kvmID
		}
		r.addOutput(record)
	}
}

// addOutput adds a record. Its name is complete, even if it has one label. An empty name
// deletes the record only if the state says that there should be none.
func (r *mapReader) addOutput(record outputRecord) {
	if record.name == "" && record.state != "absent" && record.state != "deleted" {
		r.fail(record.at, record.ip, "has no name, and its state is not absent")
		return
	}
	if record.name != "" && !strings.HasSuffix(record.name, ".") {
		record.name += "."
	}
	r.addText(record.at, record.kvmID, record.ip, record.name)
}
