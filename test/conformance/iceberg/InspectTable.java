import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.IndexedRecord;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.ManifestContent;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.ManifestReader;
import org.apache.iceberg.Metrics;
import org.apache.iceberg.MetricsConfig;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.parquet.ParquetUtil;
import org.apache.iceberg.rest.RESTCatalog;

/**
 * Says what is in the snapshots, lists of manifests and manifests of a table: as Avro has it, and as Iceberg's own library
 * reads it, with the metrics that this library takes of each Parquet file. Standard input: JSON, {"catalog": properties,
 * "database": its name, "table": its name}. Output: JSON; test/conformance/iceberg/inspected.ts has its types.
 */
public class InspectTable {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    JsonNode given = MAPPER.readTree(System.in);
    Map<String, String> properties = new HashMap<>();
    given.get("catalog").fields().forEachRemaining(each -> properties.put(each.getKey(), each.getValue().asText()));
    try (RESTCatalog catalog = new RESTCatalog()) {
      catalog.initialize("lake", properties);
      Namespace database = Namespace.of(given.get("database").asText());
      Table table = catalog.loadTable(TableIdentifier.of(database, given.get("table").asText()));
      System.out.println(MAPPER.writeValueAsString(described(table)));
    }
  }

  private static ObjectNode described(Table table) throws Exception {
    ObjectNode answer = MAPPER.createObjectNode();
    ArrayNode snapshots = answer.putArray("snapshots");
    ObjectNode manifests = answer.putObject("manifests");
    Set<String> dataFiles = new HashSet<>();
    for (Snapshot snapshot : table.snapshots()) {
      ObjectNode one = snapshots.addObject();
      one.put("id", snapshot.snapshotId()).put("sequenceNumber", snapshot.sequenceNumber());
      one.put("timestamp", snapshot.timestampMillis()).put("operation", snapshot.operation());
      if (snapshot.parentId() != null) one.put("parent", snapshot.parentId());
      if (snapshot.schemaId() != null) one.put("schemaId", snapshot.schemaId());
      if (snapshot.firstRowId() != null) one.put("firstRowId", snapshot.firstRowId());
      one.set("summary", MAPPER.valueToTree(snapshot.summary()));
      one.set("list", avro(table, snapshot.manifestListLocation()));
      ArrayNode listed = one.putArray("manifests");
      for (ManifestFile manifest : snapshot.allManifests(table.io())) {
        listed.add(listed(table, manifest));
        if (!manifests.has(manifest.path())) manifests.set(manifest.path(), manifest(table, manifest, dataFiles));
      }
    }
    ObjectNode metrics = answer.putObject("metrics");
    MetricsConfig config = MetricsConfig.forTable(table);
    for (String path : dataFiles) metrics.set(path, metrics(ParquetUtil.fileMetrics(table.io().newInputFile(path), config)));
    return answer;
  }

  private static ObjectNode listed(Table table, ManifestFile manifest) {
    ObjectNode one = MAPPER.createObjectNode();
    one.put("path", manifest.path()).put("length", manifest.length());
    one.put("realLength", table.io().newInputFile(manifest.path()).getLength());
    one.put("specId", manifest.partitionSpecId()).put("content", manifest.content().id());
    one.put("sequenceNumber", manifest.sequenceNumber()).put("minSequenceNumber", manifest.minSequenceNumber());
    one.put("snapshotId", manifest.snapshotId());
    one.put("addedFiles", manifest.addedFilesCount()).put("addedRows", manifest.addedRowsCount());
    one.put("existingFiles", manifest.existingFilesCount()).put("existingRows", manifest.existingRowsCount());
    one.put("deletedFiles", manifest.deletedFilesCount()).put("deletedRows", manifest.deletedRowsCount());
    if (manifest.firstRowId() != null) one.put("firstRowId", manifest.firstRowId());
    ArrayNode partitions = one.putArray("partitions");
    for (ManifestFile.PartitionFieldSummary summary : manifest.partitions()) {
      ObjectNode field = partitions.addObject();
      field.put("containsNull", summary.containsNull());
      if (summary.containsNaN() != null) field.put("containsNaN", summary.containsNaN());
      if (summary.lowerBound() != null) field.set("lower", json(summary.lowerBound()));
      if (summary.upperBound() != null) field.set("upper", json(summary.upperBound()));
    }
    return one;
  }

  private static ObjectNode manifest(Table table, ManifestFile manifest, Set<String> dataFiles) throws Exception {
    ObjectNode one = avro(table, manifest.path());
    ArrayNode files = one.putArray("files");
    if (manifest.content() != ManifestContent.DATA) return one;
    try (ManifestReader<DataFile> reader = ManifestFiles.read(manifest, table.io(), table.specs())) {
      for (DataFile file : reader) {
        dataFiles.add(file.location());
        ObjectNode read = files.addObject();
        read.put("path", file.location()).put("format", file.format().name()).put("content", file.content().id());
        read.put("sequenceNumber", file.dataSequenceNumber()).put("fileSequenceNumber", file.fileSequenceNumber());
        read.put("rows", file.recordCount()).put("bytes", file.fileSizeInBytes());
        read.put("realBytes", table.io().newInputFile(file.location()).getLength());
        read.put("specId", file.specId()).put("day", file.partition().get(0, String.class));
        if (file.firstRowId() != null) read.put("firstRowId", file.firstRowId());
        if (file.sortOrderId() != null) read.put("sortOrderId", file.sortOrderId());
        read.set("splitOffsets", json(file.splitOffsets()));
        read.set("columnSizes", json(file.columnSizes()));
        read.set("valueCounts", json(file.valueCounts()));
        read.set("nullValueCounts", json(file.nullValueCounts()));
        read.set("nanValueCounts", json(file.nanValueCounts()));
        read.set("lowerBounds", json(file.lowerBounds()));
        read.set("upperBounds", json(file.upperBounds()));
      }
    }
    return one;
  }

  private static ObjectNode metrics(Metrics metrics) {
    ObjectNode one = MAPPER.createObjectNode();
    one.put("rows", metrics.recordCount());
    one.set("columnSizes", json(metrics.columnSizes()));
    one.set("valueCounts", json(metrics.valueCounts()));
    one.set("nullValueCounts", json(metrics.nullValueCounts()));
    one.set("lowerBounds", json(metrics.lowerBounds()));
    one.set("upperBounds", json(metrics.upperBounds()));
    return one;
  }

  /** A file as Avro has it: its schema, what it says of itself, and its records. */
  private static ObjectNode avro(Table table, String path) throws Exception {
    ObjectNode one = MAPPER.createObjectNode();
    GenericDatumReader<Object> records = new GenericDatumReader<>();
    try (DataFileStream<Object> stream = new DataFileStream<>(table.io().newInputFile(path).newStream(), records)) {
      ObjectNode about = one.putObject("about");
      for (String key : stream.getMetaKeys()) about.put(key, stream.getMetaString(key));
      ArrayNode entries = one.putArray("records");
      for (Object each : stream) entries.add(json(each));
    }
    return one;
  }

  /** Values of Avro and of Iceberg's library. Bytes become base64. */
  private static JsonNode json(Object value) {
    if (value instanceof IndexedRecord record) {
      ObjectNode one = MAPPER.createObjectNode();
      for (Schema.Field field : record.getSchema().getFields()) one.set(field.name(), json(record.get(field.pos())));
      return one;
    }
    if (value instanceof Collection<?> values) {
      ArrayNode all = MAPPER.createArrayNode();
      for (Object each : values) all.add(json(each));
      return all;
    }
    if (value instanceof Map<?, ?> values) {
      ObjectNode all = MAPPER.createObjectNode();
      values.forEach((key, each) -> all.set(String.valueOf(key), json(each)));
      return all;
    }
    if (value instanceof ByteBuffer buffer) {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.duplicate().get(bytes);
      return MAPPER.valueToTree(Base64.getEncoder().encodeToString(bytes));
    }
    if (value instanceof CharSequence) return MAPPER.valueToTree(value.toString());
    return MAPPER.valueToTree(value);
  }
}
