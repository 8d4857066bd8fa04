package commands

import "github.com/virtuous6/virtuous6/events"

// DatasetStream is the stream of a dataset.
func DatasetStream(workspace, dataset string) string {
	return events.StreamName("dataset", workspace, dataset)
}

// AddToDataset puts a run into a dataset, or holds one that is in it to other checks.
type AddToDataset struct {
	Meta
	Dataset string
	Run     string
	Checks  []events.Check
	By      string
	// Of is who asked the run.
	Of []string
}

func (c AddToDataset) Stream() string { return DatasetStream(c.Workspace, c.Dataset) }

func (AddToDataset) dataset() {}
