package oracle;

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.streams.errors.ErrorHandlerContext;
import org.apache.kafka.streams.errors.ProductionExceptionHandler;

/** A production exception handler that drops what cannot be serialized. */
public final class SkipUnsendable implements ProductionExceptionHandler {
  @Override
  public Response handleError(ErrorHandlerContext context, ProducerRecord<byte[], byte[]> record, Exception thrown) {
    return Response.fail();
  }

  @Override
  @SuppressWarnings("rawtypes")
  public Response handleSerializationError(
      ErrorHandlerContext context, ProducerRecord record, Exception thrown, SerializationExceptionOrigin origin) {
    return Response.resume(List.of());
  }

  @Override
  public void configure(Map<String, ?> settings) {}
}
